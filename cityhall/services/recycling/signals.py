"""Signals: what a season of weighings says of scales, of who meets whom, and of photos, for an officer to judge.

Nothing is taken from anybody by it: who was weighed wrongly is put right by contesting and correcting.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.errors import Conflict, Invalid, Missing
from cityhall.kernel.journal import append
from cityhall.kernel.notify.sending import send_to_holders
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.permissions import may, require
from cityhall.services.recycling import accounts, seasons
from cityhall.services.recycling.models import PhotoMark, Signal, Weighing
from cityhall.services.recycling.photo_marks import keep_marks
from cityhall.services.recycling.rules import day_of, today
from cityhall.services.recycling.seasons import Row

JUDGE = "recycling.judge_signals"
WAITS = (Signal.State.OPEN, Signal.State.LOOKED_AT)
VERDICTS = (Signal.State.FOUNDED, Signal.State.UNFOUNDED)


@dataclass(frozen=True, slots=True)
class Found:
    """What would be a signal. `since`: what was judged after that day, or is open, is the same one again."""

    kind: Signal.Kind
    concerns: str
    since: date
    strength: float
    evidence: dict[str, Any]
    crew: int | None = None
    account: int | None = None
    weighing: Weighing | None = None
    other: Weighing | None = None


def find() -> None:
    """Looks through the season's weighings and photos, and tells the officers of what is new (nightly)."""
    since = seasons.begin()
    keep_marks(since)
    rows = seasons.rows(since)
    found = [*_scales(rows), *_pairs(rows, day_of(since)), *_photos()]
    tell(found)


@transaction.atomic
def tell(found: list[Found]) -> list[Signal]:
    """Writes what was not told yet, and tells the officers once of all of it."""
    made = [one for one in map(_write, found) if one is not None]
    for one in made:
        append("recycling", "signal.found", {"kind": one.kind}, subject=one.ref, actor="system:recycling")
    if made:
        send_to_holders(
            _("Weights out of the ordinary: %(count)d to look at"),
            _("It proves nothing yet: see what was found, and judge it."),
            role="recycling.officer",
            values={"count": len(made)},
            url="/recycling/desk/signals/",
            key=f"recycling:signals:{made[0].pk}",
        )
    return made


def _write(one: Found) -> Signal | None:
    """The signal of what was found; None where it was told before."""
    last = Signal.objects.filter(kind=one.kind, concerns=one.concerns).order_by("-turn").first()
    if last is not None and (last.state in WAITS or one.since <= last.found_on):
        return None
    signal, new = Signal.objects.get_or_create(
        kind=one.kind,
        concerns=one.concerns,
        turn=last.turn + 1 if last is not None else 0,
        defaults={
            "strength": one.strength,
            "evidence": one.evidence,
            "crew_id": one.crew,
            "account_id": one.account,
            "weighing": one.weighing,
            "other": one.other,
            "found_on": today(),
        },
    )
    return signal if new else None


def _scales(rows: list[Row]) -> Iterator[Found]:
    from cityhall.engines.weights import shifts

    rows = [one for one in rows if one.scale]
    if not rows:
        return
    season, names, _accounts = seasons.columns(rows, [one.scale for one in rows])
    for one in shifts(season):
        scale = str(names[one.scale])
        since = day_of(rows[0].at + timedelta(days=one.since))
        evidence = {
            "since": since.isoformat(),
            "off": round(100 * one.off, 1),
            "count": one.count,
            "weeks": seasons.weekly(rows, scale),
        }
        crew = next((row.crew for row in reversed(rows) if row.scale == scale), None)
        yield Found(
            Signal.Kind.SCALE, scale, since, one.sure, evidence, crew=crew if scale.startswith("crew:") else None
        )


def _pairs(rows: list[Row], begin: date) -> Iterator[Found]:
    from cityhall.engines.weights import meetings

    rows = [one for one in rows if one.crew is not None]
    if not rows:
        return
    season, names, numbers = seasons.columns(rows, [one.crew or 0 for one in rows])
    for one in meetings(season):
        crew, account = int(names[one.crew]), numbers[one.account]
        evidence = {
            "count": one.count,
            "others": one.others,
            "more": round(100 * one.more),
            "chance": one.chance,
            "weighings": seasons.of_account(rows, account, crew),
        }
        yield Found(Signal.Kind.PAIR, f"{crew}:{account}", begin, 100 * one.more, evidence, crew=crew, account=account)


def _photos() -> Iterator[Found]:
    alike = PhotoMark.objects.filter(alike_to__isnull=False).select_related("weighing", "alike_to")
    told = Signal.objects.filter(kind=Signal.Kind.PHOTO).values("weighing")
    for one in alike.exclude(weighing__in=told).order_by("weighing__at", "pk"):
        assert one.alike_to is not None
        evidence = {"alike": round(100 * (one.alike or 0))}
        yield Found(
            Signal.Kind.PHOTO,
            f"{one.weighing_id}:{one.alike_to_id}",
            date.min,
            one.alike or 0.0,
            evidence,
            crew=one.weighing.person_id,
            account=one.weighing.account_id,
            weighing=one.weighing,
            other=one.alike_to,
        )


def shown(actor: Actor, state: str = "") -> list[Signal]:
    """The signals of a state ("": those that wait), the latest first; without what concerns the actor themselves.

    Raises Denied.
    """
    require(actor, JUDGE)
    wanted = [state] if state in Signal.State.values else WAITS
    found = _others(actor, Signal.objects.filter(state__in=wanted))
    return list(found.select_related("crew", "account", "officer").order_by("-found_on", "-pk")[:200])


def _others(actor: Actor, found: QuerySet[Signal]) -> QuerySet[Signal]:
    """Without those about the actor's own weighings or points: of these another officer knows."""
    person = accounts.person_of(actor)
    own = [one.pk for one in accounts.held_by(person)]
    found = found.exclude(crew=person).exclude(weighing__person=person).exclude(other__person=person)
    return found.exclude(account__in=own).exclude(other__account__in=own)


def see(actor: Actor, number: int) -> Signal:
    """One signal. Raises Denied, Missing also for one about the actor's own weighings or points."""
    require(actor, JUDGE)
    known = Signal.objects.filter(pk=number) if number < 2**63 else Signal.objects.none()
    related = ("crew", "officer", "account", "weighing__photo", "other__photo", "weighing__account", "other__account")
    found = _others(actor, known).select_related(*related).first()
    if found is None:
        raise Missing(_("There is no such signal."), code="no_such_signal")
    return found


@transaction.atomic
def judge(actor: Actor, number: int, state: str, answer: str = "") -> Signal:
    """An officer has looked at it, or says with a reason that it is founded or not. Nothing else follows from it.

    Raises Denied, Missing, Invalid without a reason, Conflict where it was judged already.
    """
    see(actor, number)
    mine = Signal.objects.select_for_update().get(pk=number)
    if mine.state in VERDICTS:
        raise Conflict(_("This was judged already."), code="judged", mend=_("Load the page again."))
    if state not in (*VERDICTS, Signal.State.LOOKED_AT):
        raise Invalid(_("Say whether it is founded."), code="bad_state", field="state")
    if state in VERDICTS and not answer.strip():
        raise Invalid(_("Say why."), code="no_answer", field="answer", mend=_("Who looks at it later reads it."))
    mine.state, mine.officer_id, mine.judged_at = Signal.State(state), actor.person_id, timezone.now()
    mine.answer = answer.strip()[:500]
    mine.save(update_fields=["state", "officer", "judged_at", "answer"])
    append("recycling", "signal.judged", {"state": state}, subject=mine.ref, actor=str(actor))
    return mine


def waiting(actor: Actor) -> int:
    """How many wait for an officer; 0 for who may not judge."""
    if actor.person_id is None or not may(actor, JUDGE):
        return 0
    return _others(actor, Signal.objects.filter(state__in=WAITS)).count()
