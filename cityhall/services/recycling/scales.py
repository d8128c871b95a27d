"""Which scale weighed: the one place that says by what a scale is known."""

from __future__ import annotations

from django.utils.translation import gettext as _

from cityhall.kernel.people.models import Person
from cityhall.services.recycling.models import DropPoint

FIELDS = ("place_id", "scale", "person_id")
"""Fields of a Weighing that say which scale it was, in the order in which `scale_of` takes them."""


def scale_of(place: int | None, scale: str, person: int | None) -> str:
    """The scale of a weighing: that of its drop-off point, else the connected one, else that of who weighed.

    "" where none is known.
    """
    if place is not None:
        return f"place:{place}"
    if scale:
        return f"name:{scale}"
    return f"crew:{person}" if person is not None else ""


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
