"""What the service declares for its officers, signals and figures, and its card on the city's front page."""

from django.utils.translation import gettext_lazy as _

from cityhall.kernel.indicators.declares import Indicator
from cityhall.kernel.work.declares import Task
from cityhall.web.declares import Card

_HERE = "cityhall.services.recycling"

OFFICER = (
    *("recycling.judge_signals", "recycling.draw_settlement", "recycling.release_settlement"),
    *("recycling.sell_material", "recycling.enter_costs", "recycling.change_tariffs"),
)
"""What an officer for recycling may do besides."""
DESK = (
    Card("recycling/card.html"),
    Task("signals", f"{_HERE}.signals:find", "37 2 * * *", twice=True),
    Indicator(
        "cost",
        _("cost of a tonne recycled, in 90 days"),
        "",
        f"{_HERE}.figures:cost_per_tonne",
        better="lower",
    ),
)
