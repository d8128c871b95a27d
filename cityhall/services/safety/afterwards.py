"""What whoever was harassed wants next: to report it, to talk to somebody who helps, or nothing; now or in some days.

No account is needed: the code of the call is. Whoever has none, because a driver pressed for them, is given one by the
desk or by the guard who is with them. What they tell is read only with a permission of its own, and each look is in the
journal.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.errors import Conflict, Denied, Invalid, Missing
from cityhall.kernel.journal import append
from cityhall.kernel.notify.sending import send_to_holders
from cityhall.kernel.people.actors import Actor, system
from cityhall.kernel.people.models import Person
from cityhall.kernel.people.permissions import may, require
from cityhall.services.safety import stream
from cityhall.services.safety.actions import ANSWER, locked
from cityhall.services.safety.calling import by_code
from cityhall.services.safety.codes import hash_of, spelt
from cityhall.services.safety.models import Alert, Choice, Statement
from cityhall.services.safety.retention import KEEP
from cityhall.services.safety.workflow import State

READ = "safety.read_statement"
LONGEST = 10_000


@dataclass(frozen=True, slots=True)
class Support:
    """Somebody who helps: as the city's file names them, `[[service.safety.support]]`."""

    name: str
    phone: str = ""
    hours: str = ""
    url: str = ""


def support() -> list[Support]:
    """Whom the city names as help; nobody where its file names nobody. What has no name or is no text is left out."""
    given = settings.CITY.options.get("safety", {}).get("support", [])
    found = []
    for one in given if isinstance(given, list) else []:
        if isinstance(one, dict) and isinstance(one.get("name"), str) and one["name"].strip():
            rest = {key: str(one.get(key, "")).strip() for key in ("phone", "hours", "url")}
            found.append(Support(one["name"].strip(), **rest))
    return found


@transaction.atomic
def choose(code: str, what: str, *, now: datetime | None = None) -> Choice:
    """Keeps what whoever has the code wants next. The last choice counts. Raises Missing, Invalid."""
    if what not in Choice.What.values:
        raise Invalid(_("Choose one of the three."), code="no_such_choice", field="what")
    alert = by_code(code, lock=True)
    last: Choice | None = Choice.objects.filter(alert=alert).last()
    if last is not None and last.what == what:
        return last
    made = Choice.objects.create(alert=alert, what=what, at=now or timezone.now())
    append("safety", "alert.chosen", {"what": what}, subject=stream.subject(alert.pk))
    return made


@transaction.atomic
def state(code: str, text: str, *, language: str = "", now: datetime | None = None) -> Statement:
    """Keeps what somebody says happened to them, in the place of what they said before. That is the choice to report.

    Raises Missing, Invalid for nothing written or too much.
    """
    text = text.strip()
    if not text:
        raise Invalid(_("Write something first."), code="empty", field="text")
    if len(text) > LONGEST:
        raise Invalid(_("Write at most %(most)d characters.") % {"most": LONGEST}, code="too_long", field="text")
    now = now or timezone.now()
    choose(code, Choice.What.REPORT, now=now)
    alert = by_code(code, lock=True)
    one = Statement.objects.filter(alert=alert).first()
    if one is None:
        one = Statement.objects.create(alert=alert, text=text, language=language[:10], written_at=now)
        send_to_holders(
            _("Somebody has made a statement"),
            role="safety.reader",
            url="/safety/statements/",
            key=f"statement-{alert.pk}-{now.timestamp():.0f}",
        )
    elif one.text != text:
        # Whoever has read it must see that it says something else now.
        one.text, one.language, one.changed_at, one.seen_at = text, language[:10], now, None
        one.save(update_fields=["text", "language", "changed_at", "seen_at"])
    append("safety", "statement.written", {}, subject=stream.subject(alert.pk))
    return one


@transaction.atomic
def take_back(code: str) -> None:
    """Whoever made a statement takes it back: it is erased. That there is none is no error. Raises Missing."""
    alert = by_code(code, lock=True)
    gone, _rows = Statement.objects.filter(alert=alert).delete()
    if gone:
        append("safety", "statement.taken_back", {}, subject=stream.subject(alert.pk))


@transaction.atomic
def read(actor: Actor, alert_id: int, *, now: datetime | None = None) -> Statement:
    """A statement, for who may read it; that they did is in the journal. Raises Denied, Missing."""
    require(actor, READ)
    one = Statement.objects.select_for_update(of=("self",)).select_related("alert").filter(pk=alert_id).first()
    if one is None:
        raise Missing(_("There is no such statement."), code="no_such_statement", mend=_("It may be taken back."))
    if one.seen_at is None:
        one.seen_at = now or timezone.now()
        one.save(update_fields=["seen_at"])
    append("safety", "statement.read", {}, subject=stream.subject(alert_id), actor=str(actor))
    return one


def unread(actor: Actor) -> int:
    """For the desk's card: statements that nobody has read as they are now."""
    return Statement.objects.filter(seen_at=None).count()


@transaction.atomic
def hand_code(actor: Actor, alert_id: int) -> str:
    """Makes the code of a call that has none, to be given to the person it happened to; it is shown this once.

    For an operator, or the crew of a unit that was sent. Raises Denied, Missing; Conflict where somebody has one, or it
    is too old.
    """
    alert = locked(alert_id)
    crew = alert.assignments.filter(unit__person_id=actor.person_id or 0, accepted_at__isnull=False).exists()
    sent = crew and may(actor, "safety.ride_unit")
    if not sent and not may(actor, ANSWER):
        raise Denied(_("This is another unit's."), code="denied")
    if alert.code is not None:
        raise Conflict(_("Somebody has the code of this call."), code="has_code")
    if alert.state == State.CLOSED and alert.closed_at is not None and timezone.now() - alert.closed_at > KEEP:
        raise Conflict(_("This call is too old for a code."), code="too_old")
    code = spelt(secrets.token_bytes(13))
    alert.code = hash_of(code)
    alert.save(update_fields=["code"])
    append("safety", "alert.code_given", {}, subject=stream.subject(alert.pk), actor=str(actor))
    return code


@transaction.atomic
def erase(now: datetime | None = None) -> int:
    """Erases statements and choices of calls that were closed KEEP ago (a Task); gives how many rows."""
    now = now or timezone.now()
    old = Alert.objects.filter(state=State.CLOSED, closed_at__lt=now - KEEP)
    # What was merged is never closed where what it is part of was reopened: its own time counts from its press.
    old = old | Alert.objects.filter(state=State.MERGED, received_at__lt=now - 4 * KEEP)
    gone = Statement.objects.filter(alert__in=old).delete()[0] + Choice.objects.filter(alert__in=old).delete()[0]
    if gone:
        append("safety", "statements.erased", {"count": gone}, actor=str(system("safety")))
    return gone


def forget_person(person: Person, **_given: Any) -> None:
    """An account is erased: what its owner told goes with it, though it was told without the account."""
    own = Alert.objects.filter(person=person)
    Statement.objects.filter(alert__in=own).delete()
    Choice.objects.filter(alert__in=own).delete()
