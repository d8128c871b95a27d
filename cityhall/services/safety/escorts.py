"""Trusted people follow somebody's way for a chosen time. Only who has the link sees it, and only while it goes on.

One place is kept, the last that the browser told, and none once it is over. Five minutes before the time is up whoever
goes is asked; when it is up and they have not said that they arrived, the page of those who follow says so, and the
control desk is called where that was wished for when it began. Who asked to be told is told (`escort_telling.py`).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.deadlines.actions import clear, set_deadline
from cityhall.kernel.deadlines.declares import Due
from cityhall.kernel.errors import Conflict, Invalid, Missing
from cityhall.kernel.journal import append
from cityhall.kernel.notify.sending import send
from cityhall.kernel.people.actors import ANONYMOUS, Actor, person_actor, system
from cityhall.kernel.places.point import Point
from cityhall.services.safety import escort_telling
from cityhall.services.safety.codes import code_of, hash_of, spelt
from cityhall.services.safety.models import Alert, Escort
from cityhall.services.safety.pressing import is_key, press

SHORTEST, LONGEST = 15, 180
"""Minutes that may be chosen."""
ASKED = timedelta(minutes=5)
MORE = 15
"""Minutes that are added at once."""
SHOWN = timedelta(hours=12)
"""So long those who follow still see that somebody has arrived, or has not; then nothing is kept."""
NEARLY, OVERDUE = "safety.nearly", "safety.overdue"
ON = (Escort.State.GOING, Escort.State.OVERDUE)


@dataclass(frozen=True, slots=True)
class Begun:
    """A way that is followed, and both its codes: of whoever goes, and of who follows. They are kept as hashes only."""

    escort: Escort
    own: str
    watch: str


def watch_code(own: str) -> str:
    """The code for those who follow: made from that of whoever goes, and telling nothing of it. 100 bits."""
    return spelt(hmac.new(settings.SECRET_KEY.encode(), f"safety escort {own}".encode(), hashlib.sha256).digest())


def _own_code(key: str) -> str:
    """The code of whoever goes: made from the page's key, which is as hard to guess; without one, of chance."""
    if not key:
        return spelt(secrets.token_bytes(13))
    return spelt(hmac.new(settings.SECRET_KEY.encode(), f"safety way {key}".encode(), hashlib.sha256).digest())


def _subject(escort: Escort) -> str:
    return f"escort:{escort.pk}"


@transaction.atomic
def begin(
    actor: Actor,
    minutes: int,
    *,
    name: str = "",
    calls: bool = False,
    tell: Iterable[str] = (),
    key: str = "",
    now: datetime | None = None,
) -> Begun:
    """Begins a way that others follow; no account is needed, but to have the city `tell` addresses of it.

    `key` is what the page made up for it: sent again while it goes on, it is the same way. Raises Invalid for a time
    that cannot be chosen or a key that is none, Denied.
    """
    if not SHORTEST <= minutes <= LONGEST:
        raise Invalid(
            _("Choose between %(least)d and %(most)d minutes.") % {"least": SHORTEST, "most": LONGEST},
            code="bad_time",
            field="minutes",
        )
    if key and not is_key(key):
        raise Invalid(_("This is not the key of a press."), code="bad_key", field="key")
    now = now or timezone.now()
    own = _own_code(key)
    if key and Escort.objects.filter(own=hash_of(own)).exclude(state__in=ON).exists():
        # That way is over: whoever goes back to its page goes another one.
        own = _own_code("")
    watch = watch_code(own)
    made, new = Escort.objects.get_or_create(
        own=hash_of(own),
        defaults={
            "person_id": actor.person_id,
            "name": name.strip()[:60],
            "watch": hash_of(watch),
            "began_at": now,
            "until": now + timedelta(minutes=minutes),
            "calls": calls,
        },
    )
    if not new:
        return Begun(made, own, watch)
    append("safety", "escort.began", {"minutes": minutes, "calls": calls}, subject=_subject(made), actor=str(actor))
    _deadlines(made)
    escort_telling.add_named(actor, made, tell)
    return Begun(made, own, watch)


def _deadlines(escort: Escort) -> None:
    set_deadline(NEARLY, _subject(escort), escort.until - ASKED)
    set_deadline(OVERDUE, _subject(escort), escort.until)


def by_own(own: str, *, lock: bool = False) -> Escort:
    """The way of whoever goes, by their code. Raises Missing, also once it is erased."""
    return _found("own", own, lock)


def by_watch(watch: str) -> Escort:
    """The way that somebody follows, by the code of their link. Raises Missing, also once it is erased."""
    return _found("watch", watch, False)


def _found(field: str, code: str, lock: bool) -> Escort:
    rows = Escort.objects.select_for_update(of=("self",)) if lock else Escort.objects.all()
    one = rows.filter(**{field: hash_of(code.strip().lower())}).first()
    if one is None:
        raise Missing(_("Nobody is followed here, or not any more."), code="no_such_escort")
    return one


@transaction.atomic
def here(own: str, point: Point, accuracy_m: float | None = None, *, now: datetime | None = None) -> bool:
    """Keeps where somebody is, in the place of where they were; False once it is over. Raises Missing."""
    one = by_own(own, lock=True)
    if one.state not in ON:
        return False
    one.point, one.accuracy_m, one.point_at = point, accuracy_m, now or timezone.now()
    one.save(update_fields=["point", "accuracy_m", "point_at"])
    return True


@transaction.atomic
def end(own: str, *, arrived: bool, now: datetime | None = None) -> Escort:
    """Whoever goes has arrived, or wants to be followed no more: no place is kept from now on. Twice is once.

    An alert that was opened meanwhile stays: the desk asks. Raises Missing.
    """
    one = by_own(own, lock=True)
    return _end(one, arrived, now or timezone.now())


@transaction.atomic
def end_own(actor: Actor, escort_id: int, *, arrived: bool, now: datetime | None = None) -> Escort:
    """The same for whoever is signed in and has not their link at hand. Raises Missing for what is not theirs."""
    mine = Escort.objects.select_for_update(of=("self",)).filter(pk=escort_id, person_id=actor.person_id or 0)
    one = mine.first()
    if one is None:
        raise Missing(_("Nobody is followed here, or not any more."), code="no_such_escort")
    return _end(one, arrived, now or timezone.now())


def _end(one: Escort, arrived: bool, now: datetime) -> Escort:
    if one.state not in ON:
        return one
    late = one.state == Escort.State.OVERDUE
    one.state = Escort.State.ARRIVED if arrived else Escort.State.STOPPED
    one.ended_at, one.point, one.accuracy_m, one.point_at = now, None, None, None
    one.save()
    clear(NEARLY, _subject(one))
    clear(OVERDUE, _subject(one))
    append("safety", f"escort.{one.state}", {}, subject=_subject(one))
    if late and arrived:
        # Who was told that nobody arrived is told that somebody has.
        escort_telling.tell(one, "arrived")
    return one


@transaction.atomic
def longer(own: str, *, now: datetime | None = None) -> Escort:
    """MORE minutes, but never more than LONGEST from now. Raises Missing; Conflict once the time is up."""
    one = by_own(own, lock=True)
    if one.state != Escort.State.GOING:
        raise Conflict(_("It is over."), code="over", mend=_("Begin anew."))
    now = now or timezone.now()
    one.until = min(one.until + timedelta(minutes=MORE), now + timedelta(minutes=LONGEST))
    one.save(update_fields=["until"])
    append("safety", "escort.longer", {}, subject=_subject(one))
    _deadlines(one)
    return one


def _due(due: Due) -> Escort | None:
    number = int(due.subject.removeprefix("escort:"))
    rows = Escort.objects.select_for_update(of=("self",)).select_related("person")
    return rows.filter(pk=number, state=Escort.State.GOING).first()


def nearly(due: Due) -> None:
    """The time is nearly up (a DeadlineKind's action): whoever goes is asked, where the city can reach them."""
    one = _due(due)
    if one is not None and one.person is not None:
        send(
            one.person,
            _("Have you arrived?"),
            _("In five minutes those who follow you see that you have not."),
            url="/safety/escort/",
            key=f"escort-{one.pk}-{due.due_at.timestamp():.0f}",
        )


def overdue(due: Due) -> None:
    """The time is up (a DeadlineKind's action): those who follow see it; the desk is called where that was wished."""
    one = _due(due)
    if one is None:
        return
    one.state = Escort.State.OVERDUE
    if one.calls:
        one.alert = _call(one, due.now)
    one.save(update_fields=["state", "alert"])
    data = {"alert": one.alert_id} if one.alert_id else {}
    append("safety", "escort.overdue", data, subject=_subject(one), actor=str(system("safety")))
    escort_telling.tell(one, "overdue")
    if one.alert_id:
        escort_telling.tell(one, "called")


def _call(one: Escort, now: datetime) -> Alert:
    actor = person_actor(one.person) if one.person is not None else ANONYMOUS
    made = press(actor, secrets.token_hex(16), point=one.point, accuracy_m=one.accuracy_m, text=_said(one), at=now)
    return made.alert


def _said(one: Escort) -> str:
    # For the desk, in the city's own language.
    name = one.name or (str(one.person) if one.person else "–")
    return str(_("%(name)s has not arrived in the time that they chose.") % {"name": name})


@transaction.atomic
def called(own: str, alert: Alert) -> None:
    """Whoever goes has called for help themselves: those who follow are told, once. Nothing for a way that is over."""
    one = Escort.objects.select_for_update(of=("self",)).filter(own=hash_of(own.strip().lower()), state__in=ON).first()
    if one is None or one.alert_id is not None:
        return
    one.alert = alert
    one.save(update_fields=["alert"])
    append("safety", "escort.called", {"alert": alert.pk}, subject=_subject(one))
    escort_telling.tell(one, "called")


def call_code(one: Escort) -> str:
    """The code of the call that was made for somebody, "" where there is none (any more)."""
    return code_of(one.alert.key) if one.alert is not None and one.alert.key else ""


@transaction.atomic
def erase(now: datetime | None = None) -> int:
    """Erases the ways that ended, or should have, SHOWN ago (a Task); gives how many."""
    before = (now or timezone.now()) - SHOWN
    old = Escort.objects.filter(until__lt=before) | Escort.objects.filter(ended_at__lt=before)
    gone = old.delete()[0]
    if gone:
        append("safety", "escorts.erased", {"count": gone}, actor=str(system("safety")))
    return gone
