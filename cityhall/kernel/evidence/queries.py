"""What is known of evidence, for pages, services and exports."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from cityhall.kernel.errors import Missing
from cityhall.kernel.evidence.custody import OUTSIDE
from cityhall.kernel.evidence.models import Custody, Evidence, What
from cityhall.kernel.people.models import Person
from cityhall.kernel.service import Text


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the log, with who it was as they are called now."""

    at: datetime
    what: Text
    by: Text
    to: Text
    note: str


@dataclass(frozen=True, slots=True)
class Held:
    """Who had a piece from when until when; `until` is None for who has it."""

    holder: str
    since: datetime
    until: datetime | None


def of(subject: str) -> list[Evidence]:
    """The pieces that are about something, the oldest first, those erased since among them."""
    return list(Evidence.objects.filter(subject=subject).order_by("pk"))


def find(pk: int) -> Evidence:
    """A piece by its number. Raises Missing. Whether the reader may see it is asked by what they do with it."""
    piece = Evidence.objects.filter(pk=pk).first() if 0 < pk < 2**63 else None
    if piece is None:
        raise Missing(_("There is no such piece of evidence."), code="missing")
    return piece


def lines(piece: Evidence) -> list[Line]:
    """The log of a piece, the oldest line first."""
    rows = list(piece.custody.select_related("note"))
    names = names_of({row.by for row in rows} | {row.to for row in rows})
    return [Line(row.at, What(row.what).label, names[row.by], names[row.to], _note(row)) for row in rows]


def held(piece: Evidence) -> list[Held]:
    """Who had it, in order: who received it, then each it was handed over to. Nobody any more once it was erased."""
    changes: list[tuple[str, datetime]] = []
    end: datetime | None = None
    for row in piece.custody.all():
        if row.what == What.RECEIVED:
            changes.append((row.by, row.at))
        elif row.what == What.HANDED_OVER:
            changes.append((row.to, row.at))
        elif row.what == What.ERASED:
            end = row.at
    ends = [*(at for _holder, at in changes[1:]), end]
    return [Held(holder, since, until) for (holder, since), until in zip(changes, ends, strict=False)]


def names_of(actors: set[str]) -> dict[str, Text]:
    """What actors are called: people by their name, as long as they have an account here."""
    numbers = {int(one.removeprefix("person:")) for one in actors if one.startswith("person:")}
    people = {f"person:{one.pk}": str(one) for one in Person.objects.filter(pk__in=numbers)}
    return {one: people.get(one) or _unnamed(one) for one in actors}


def _unnamed(actor: str) -> Text:
    if actor == OUTSIDE:
        return _("somebody outside")
    if actor.startswith("person:"):
        return _("somebody whose account is erased")
    if actor.startswith("system:"):
        return _("the program")
    return actor


def _note(row: Custody) -> str:
    note = getattr(row, "note", None)
    return note.text if note else ""
