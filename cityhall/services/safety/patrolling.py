"""What the service declares of units on their way: where they meet buses, and where they wait (see `service.py`)."""

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.deadlines.declares import DeadlineKind
from cityhall.kernel.people.declares import PersonalData
from cityhall.kernel.places.declares import Layer
from cityhall.kernel.work.declares import Runner

_HERE = "cityhall.services.safety"
_TO_HELP = format_lazy("{}; {}", _("to send help"), _("until 90 days after the alert is closed"))

PATROLLING = (
    DeadlineKind("meet", f"{_HERE}.meetings:look"),
    DeadlineKind("move", f"{_HERE}.moves:lapsed"),
    Runner("coverage", f"{_HERE}.coverage:run", part="worker", compiled="journeys"),
    Layer(
        slug="meetings",
        name=_("Where patrols meet buses"),
        kind="point",
        source=f"{_HERE}.layers:meetings",
        public_fields=("id", "name", "what", "color", "at"),
        live="safety-meetings",
        permission="safety.answer_alert",
        color="#0f766e",
        labels={"name": _("Name"), "what": _("Kind")},
        values={"what": {"place": _("where they meet"), "bus": _("bus")}},
    ),
    Layer(
        slug="coverage",
        name=_("Minutes until a free patrol is there"),
        kind="area",
        source=f"{_HERE}.layers:coverage",
        public_fields=("id", "minutes", "share"),
        permission="safety.answer_alert",
        color="#6b7280",
        labels={"minutes": _("Minutes by road"), "share": _("Share of the demand, %")},
        style={"field": "minutes", "breaks": [3, 5, 8], "colors": ["#15803d", "#65a30d", "#d99a00", "#b3261e"]},
    ),
    PersonalData(
        {"Meeting.point": _TO_HELP, "Meeting.bus": _TO_HELP},
        names={"Meeting.bus": _("last position of the bus")},
    ),
)
