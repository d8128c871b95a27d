"""Stops, lines and journeys that a person wants at hand. Without an account the browser keeps the same list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db import transaction
from django.utils.translation import gettext as _

from cityhall.kernel import values
from cityhall.kernel.errors import Conflict, Denied, Invalid, Missing
from cityhall.kernel.people.actors import Actor
from cityhall.services.transit import queries
from cityhall.services.transit.models import Favourite

MOST = 60
JOURNEY = "%.6f,%.6f;%.6f,%.6f"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A favourite as any door gives it: `reference` is a GTFS id, or a journey's ends "lon,lat;lon,lat"."""

    kind: str
    reference: str
    name: str = ""
    label: str = ""


def _person(actor: Actor) -> int:
    if actor.person_id is None:
        raise Denied(
            _("Only a person's favourites are kept in the city."),
            code="denied",
            mend=_("Sign in, or keep them in this browser."),
        )
    return actor.person_id


def checked(wanted: Wanted) -> Wanted:
    """The same with the name the city has for it. Raises Missing for a stop or line there is not, Invalid for a
    journey that is none.
    """
    if wanted.label not in Favourite.Label.values:
        raise Invalid(_("A favourite is home, work or neither."), field="label", code="unknown_label")
    if wanted.kind == Favourite.Kind.STOP:
        return Wanted("stop", wanted.reference, queries.find_stop(wanted.reference).name)
    if wanted.kind == Favourite.Kind.LINE:
        line = queries.find_line(wanted.reference)
        return Wanted("line", wanted.reference, f"{line.short_name} {line.long_name}".strip()[:300])
    if wanted.kind == Favourite.Kind.JOURNEY:
        ends = ends_of(wanted.reference)
        name = wanted.name.strip()[:300] or _("A journey")
        return Wanted("journey", JOURNEY % (*ends[0], *ends[1]), name, wanted.label)
    raise Invalid(_("A favourite is a stop, a line or a journey."), field="kind", code="unknown_kind")


def ends_of(reference: str) -> tuple[tuple[float, float], tuple[float, float]]:
    """Where a journey begins and ends, (lon, lat) each. Raises Invalid."""
    parts = reference.split(";")
    if len(parts) != 2 or not all(parts):
        raise Invalid(_("A journey has two ends."), field="reference", code="no_journey")
    return values.position(parts[0], "reference"), values.position(parts[1], "reference")


@transaction.atomic
def add(actor: Actor, wanted: Wanted) -> Favourite:
    """Keeps a favourite; one that is kept already gets the new name and label.

    Raises Denied where nobody is signed in, Conflict beyond MOST, and as `checked` does.
    """
    person_id = _person(actor)
    good = checked(wanted)
    if Favourite.objects.filter(person_id=person_id).count() >= MOST:
        raise Conflict(
            _("You have %(count)d favourites.") % {"count": MOST},
            code="too_many_favourites",
            mend=_("Remove one first."),
        )
    # The journal is told nothing: where a person goes is nobody's business, and it cannot forget.
    favourite, _made = Favourite.objects.update_or_create(
        person_id=person_id,
        kind=good.kind,
        reference=good.reference,
        defaults={"name": good.name, "label": good.label},
    )
    return favourite


@transaction.atomic
def remove(actor: Actor, kind: str, reference: str) -> Wanted:
    """Removes a favourite and gives it back, so that this can be undone. Raises Denied, Missing."""
    found = Favourite.objects.filter(person_id=_person(actor), kind=kind, reference=reference).first()
    if found is None:
        raise Missing(_("This is none of your favourites."))
    gone = Wanted(found.kind, found.reference, found.name, found.label)
    found.delete()
    return gone


def kept(person_id: int | None) -> list[Wanted]:
    """A person's favourites, in the order they were added; none for nobody."""
    if person_id is None:
        return []
    rows = Favourite.objects.filter(person_id=person_id)
    return [Wanted(row.kind, row.reference, row.name, row.label) for row in rows]


def is_kept(person_id: int | None, kind: str, reference: str) -> bool:
    """Whether the person has it among their favourites."""
    if person_id is None:
        return False
    return Favourite.objects.filter(person_id=person_id, kind=kind, reference=reference).exists()


def address(wanted: Wanted) -> str:
    """The page of a favourite."""
    from urllib.parse import quote

    if wanted.kind == Favourite.Kind.JOURNEY:
        start, goal = ends_of(wanted.reference)
        names = wanted.name.split(" – ", 1) if " – " in wanted.name else ["", wanted.name]
        query: dict[str, Any] = {"from": names[0], "to": names[1]}
        query |= {"from_lon": start[0], "from_lat": start[1], "to_lon": goal[0], "to_lat": goal[1]}
        return f"/transit/?{urlencode(query)}"
    return f"/transit/{wanted.kind}s/{quote(wanted.reference, safe='')}/"
