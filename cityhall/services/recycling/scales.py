"""Which scale weighed: the one place that says by what a scale is known."""

from __future__ import annotations

from django.utils.translation import gettext as _

from cityhall.kernel.people.models import Person
from cityhall.services.recycling.models import DropPoint

FIELDS = ("place_id", "person_id", "scale")
"""Fields of a Weighing that say which scale it was, in the order in which `scale_of` takes them."""


def scale_of(place: int | None, person: int | None, scale: str) -> str:
    """The scale of a weighing: that of its drop-off point, else that of who weighed; its own name where nobody says so.

    A connected scale's name is what a telephone says: whoever names another one each day would never be found by it.
    """
    if place is not None:
        return f"place:{place}"
    if person is not None:
        return f"crew:{person}"
    return f"name:{scale}" if scale else ""


def scale_name(scale: str) -> str:
    """What people call it."""
    kind, _colon, number = scale.partition(":")
    if kind == "place":
        found = DropPoint.objects.filter(pk=int(number)).first()
        return _("scale at %(place)s") % {"place": found.name if found else "–"}
    if kind == "name":
        return _("scale %(name)s") % {"name": number}
    person = Person.objects.filter(pk=int(number)).first() if kind == "crew" else None
    return _("scale of %(name)s") % {"name": person.name if person else "–"}
