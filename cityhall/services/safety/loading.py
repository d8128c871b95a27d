"""What a city needs for the service when it is loaded."""

from __future__ import annotations

from collections.abc import Callable

from django.utils.translation import gettext as _

from cityhall.kernel.cases.agencies import keep_agencies
from cityhall.kernel.people.actors import system
from cityhall.services.safety.buttons import AGENCY


def load(progress: Callable[[str, float], None]) -> None:
    """Makes the agency that repairs of buttons go to."""
    keep_agencies(system("safety"), {AGENCY: (_("Technicians of the buttons"), "")})
