"""Neighbouring control centres: alerts that are passed on to them, and theirs that come to us.

An alert stays ours until the other centre has said that it has it; that they got the document says only that they got
it. What is sent is sent by jobs (`tasks.py`), again and again until it is there; what comes may come twice.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.errors import Conflict, Denied, Invalid, Missing
from cityhall.kernel.journal import append
from cityhall.kernel.journal.log import append_many
from cityhall.kernel.notify.sending import send_to_holders
from cityhall.kernel.people.actors import Actor, system
from cityhall.kernel.people.permissions import require
from cityhall.kernel.values import url_parts
from cityhall.services.safety import actions, choosing, eido, pressing, stream
from cityhall.services.safety.actions import ANSWER, SUPERVISE, locked, say
from cityhall.services.safety.models import Alert, Centre, Line, Passing, Taken
from cityhall.services.safety.sealing import sealed
from cityhall.services.safety.workflow import State

GOING = (Passing.State.QUEUED, Passing.State.DELIVERED)
LONGEST_REASON = 300


def agency() -> str:
    """Who the city is to other centres: the host that its pages have."""
    return urlsplit(settings.PUBLIC_URL).hostname or settings.CITY.slug


def identifier(alert_id: int) -> str:
    """What an alert is called among centres."""
    return eido.identifier(settings.CITY.slug, alert_id, agency())


@transaction.atomic
def enter(
    actor: Actor,
    name: str,
    url: str,
    token: str = "",
    *,
    takes_unanswered: bool = False,
    enabled: bool = True,
) -> tuple[Centre, str]:
    """Enters a centre, or changes the one of that name; gives it and, for a new one, our token, shown this once.

    `token` is what they gave us; "" leaves the one that is kept. Raises Denied, Invalid.
    """
    require(actor, SUPERVISE)
    parts = url_parts(url)
    if parts.scheme != "https" or not parts.hostname:
        raise Invalid(_("A centre needs an address that begins with https://."), code="bad_url", field="url")
    centre = Centre.objects.select_for_update().filter(name=name.strip()).first()
    ours = ""
    if centre is None:
        if not token.strip():
            raise Invalid(_("Enter the token that they gave you."), code="no_token", field="token")
        ours = secrets.token_urlsafe(32)
        centre = Centre(name=name.strip()[:100], incoming=_hash(ours))
    if token.strip():
        centre.outgoing = sealed(token.strip())
    centre.url, centre.takes_unanswered, centre.enabled = url, takes_unanswered, enabled
    centre.save()
    what = "centre.entered" if ours else "centre.changed"
    told = {"takes_unanswered": takes_unanswered, "enabled": enabled}
    append("safety", what, told, subject=f"centre:{centre.pk}", actor=str(actor))
    return centre, ours


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def known(token: str) -> Centre:
    """The centre that speaks with this token. Raises Denied."""
    centre = Centre.objects.filter(incoming=_hash(token), enabled=True).first() if token else None
    if centre is None:
        raise Denied(_("No centre has this token."), code="bad_token", mend=_("Send it as Authorization: Bearer."))
    return centre


@transaction.atomic
def pass_on(actor: Actor, alert_id: int, centre_id: int, *, now: datetime | None = None) -> Passing:
    """Passes an alert on to a centre. It is ours until they acknowledge it.

    Raises Denied, Missing, Conflict for an exercise, for what is not open, and for what is on its way there already.
    """
    require(actor, ANSWER)
    alert = locked(alert_id)
    centre = Centre.objects.filter(pk=centre_id, enabled=True).first()
    if centre is None:
        raise Missing(_("There is no such centre."), code="no_such_centre")
    if alert.exercise:
        raise Conflict(_("An exercise is passed on to nobody."), code="exercise")
    if not alert.is_open:
        raise Conflict(_("The alert is not open any more."), code="wrong_state")
    if _passed(centre, [alert.pk]):
        raise Conflict(_("It was passed on to them before."), code="passed_on", mend=_("See how that stands."))
    (made,) = _queue(centre, [alert.pk], actor, now or timezone.now())
    actions.touch(alert)
    return made


def _passed(centre: Centre, numbers: Sequence[int]) -> set[int]:
    """Those of these alerts that the centre has, or is to have."""
    states = (*GOING, Passing.State.ACKNOWLEDGED)
    return set(
        Passing.objects.filter(centre=centre, alert_id__in=numbers, state__in=states).values_list("alert_id", flat=True)
    )


def _queue(centre: Centre, numbers: Sequence[int], actor: Actor, now: datetime) -> list[Passing]:
    from cityhall.services.safety.tasks import pass_on as job

    data = {"centre": centre.pk}
    made = [Passing(alert_id=number, centre=centre, by_id=actor.person_id, at=now) for number in numbers]
    Passing.objects.bulk_create(made)
    Line.objects.bulk_create(
        Line(alert_id=number, at=now, what="passed_on", who_id=actor.person_id, data=data) for number in numbers
    )
    told = [(stream.subject(number), data) for number in numbers]
    append_many("safety", "alert.passed_on", told, actor=str(actor))
    job.batch_defer(*({"passing_id": one.pk} for one in made))
    return made


def by_itself(numbers: Sequence[int], now: datetime) -> int:
    """Nobody answers these alerts: they go to the centre that takes such, where there is one; gives how many do."""
    centre = Centre.objects.filter(enabled=True, takes_unanswered=True).first() if numbers else None
    if centre is None:
        return 0
    before = _passed(centre, numbers)
    fresh = [number for number in numbers if number not in before]
    if fresh:
        _queue(centre, fresh, system("safety"), now)
    return len(fresh)


def document(alert: Alert) -> dict[str, Any]:
    """What another centre is told of an alert: all that it needs to send help."""
    said = alert.lines.filter(what__in=("said", "note", "card", "from_centre")).exclude(text="")
    return eido.incident(
        eido.Incident(
            identifier=identifier(alert.pk),
            agency=agency(),
            number=str(alert.pk),
            kind=alert.kind,
            priority=alert.priority,
            changed_at=alert.pressed_at,
            place=alert.place,
            point=alert.point,
            accuracy_m=alert.accuracy_m,
            phone=alert.phone,
            notes=tuple((line.at, line.text) for line in list(said)[-eido.MOST_NOTES :]),
        )
    )


@transaction.atomic
def delivered(passing_id: int, attempts: int, *, now: datetime | None = None) -> None:
    """They have got it. Their answer may have been quicker than this."""
    alert, passing = _both(passing_id)
    passing.attempts += attempts
    passing.delivered_at = passing.delivered_at or now or timezone.now()
    if passing.state == Passing.State.QUEUED:
        passing.state, passing.reason = Passing.State.DELIVERED, ""
    passing.save(update_fields=["attempts", "delivered_at", "state", "reason"])
    append("safety", "alert.delivered", {"centre": passing.centre_id}, subject=stream.subject(alert.pk))
    actions.touch(alert)


@transaction.atomic
def not_delivered(passing_id: int, reason: str, *, over: bool, now: datetime | None = None) -> None:
    """It could not be delivered; `over`: nobody tries again, and supervisors are told."""
    alert, passing = _both(passing_id)
    if passing.state != Passing.State.QUEUED:
        return
    passing.attempts += 1
    passing.reason = reason[:LONGEST_REASON]
    if over:
        passing.state = Passing.State.FAILED
        append("safety", "alert.not_delivered", {"centre": passing.centre_id}, subject=stream.subject(alert.pk))
        _alarm(alert, passing)
    passing.save(update_fields=["attempts", "reason", "state"])
    actions.touch(alert)


def _both(passing_id: int) -> tuple[Alert, Passing]:
    number = Passing.objects.values_list("alert_id", flat=True).get(pk=passing_id)
    alert = locked(number)
    return alert, Passing.objects.select_for_update(of=("self",)).select_related("centre").get(pk=passing_id)


def _alarm(alert: Alert, passing: Passing) -> None:
    send_to_holders(
        _("%(centre)s does not take the alert at %(place)s"),
        role="safety.supervisor",
        values={"centre": passing.centre.name, "place": alert.place or str(alert.pk)},
        url=f"/safety/alerts/{alert.pk}/",
        key=f"passing-{passing.pk}",
    )


def came(centre: Centre, body: Any, *, now: datetime | None = None) -> Alert:
    """A document of another centre: an answer to what we passed on to it, or an incident of its own.

    The same again changes nothing. Raises Invalid for what is none, Missing for an answer to what was not asked.
    """
    told = eido.read(body)
    now = now or timezone.now()
    number = eido.number_in(told.identifier, settings.CITY.slug, agency())
    return _answered(centre, number, told, now) if number is not None else _taken(centre, told, now)


@transaction.atomic
def _answered(centre: Centre, number: int, told: eido.Read, now: datetime) -> Alert:
    whole = actions.family(number)
    alert = whole[number]
    passing = Passing.objects.select_for_update().filter(alert=alert, centre=centre).last()
    if passing is None or told.owns is None:
        raise Missing(_("Nothing was asked of them."), code="not_asked")
    if passing.state not in GOING:
        return alert
    passing.answered_at = now
    passing.delivered_at = passing.delivered_at or now
    if told.owns:
        passing.state, passing.reason = Passing.State.ACKNOWLEDGED, ""
    else:
        passing.state = Passing.State.REFUSED
        passing.reason = " ".join(told.notes)[:LONGEST_REASON]
    passing.save()
    ours = system("safety")
    what = "taken_there" if told.owns else "refused_there"
    say(alert, what, ours, now, data={"centre": centre.pk})
    append("safety", f"alert.{what}", {"centre": centre.pk}, subject=stream.subject(alert.pk), actor=str(ours))
    if told.owns and alert.state in (State.WAITING, State.ANSWERED) and not _has_units(alert):
        return actions.hand_off(number, whole, ours, now)
    if not told.owns:
        _alarm(alert, passing)
    # Units of ours are on their way, or it is over: whoever has it here decides.
    actions.touch(alert)
    return alert


def _has_units(alert: Alert) -> bool:
    return alert.assignments.filter(state__in=choosing.BUSY).exists()


@transaction.atomic
def _taken(centre: Centre, told: eido.Read, now: datetime) -> Alert:
    key = f"eido-{hashlib.sha256(f'{centre.pk} {told.identifier}'.encode()).hexdigest()[:56]}"
    before = Taken.objects.select_related("alert").filter(centre=centre, identifier=told.identifier).first()
    if before is not None:
        return before.alert
    made = pressing.press(
        system("safety"),
        key,
        kind=told.kind,
        door=Alert.Door.CENTRE,
        point=told.point,
        accuracy_m=told.accuracy_m,
        place=told.place,
        phone=told.phone,
        at=now,
    ).alert
    taken, fresh = Taken.objects.get_or_create(alert=made, defaults={"centre": centre, "identifier": told.identifier})
    if fresh:
        # Nobody has its code: who called is with the other centre.
        Alert.objects.filter(pk=made.pk).update(code=None)
        for note in told.notes:
            say(made, "from_centre", system("safety"), now, text=note, data={"centre": centre.pk})
        append("safety", "alert.came", {"centre": centre.pk}, subject=stream.subject(made.pk))
    return taken.alert


def answered_here(alert: Alert) -> None:
    """Somebody here has the alert: where another centre passed it on to us, it is told that it is ours now."""
    _answer(alert, Taken.Answer.ACKNOWLEDGED, "")


def _answer(alert: Alert, answer: str, reason: str) -> bool:
    from cityhall.services.safety.tasks import answer_back

    waiting = Taken.objects.select_for_update().filter(alert=alert, answer=Taken.Answer.NONE)
    if not waiting.update(answer=answer, reason=reason):
        return False
    answer_back.defer(alert_id=alert.pk)
    return True


@transaction.atomic
def answer_delivered(alert_id: int, at: datetime) -> None:
    """Another centre has got our answer to what it passed on to us. Twice is once."""
    if Taken.objects.filter(alert_id=alert_id, told_at=None).update(told_at=at):
        append("safety", "alert.answered_back", {}, subject=stream.subject(alert_id))


@transaction.atomic
def give_back(actor: Actor, alert_id: int, reason: str, *, now: datetime | None = None) -> Alert:
    """What another centre passed on to us is not for us: it goes back, and is over here.

    Raises Denied, Missing, Invalid without a reason, Conflict where it is not theirs or was acknowledged.
    """
    require(actor, ANSWER)
    if not reason.strip():
        raise Invalid(_("Say why."), code="no_reason", field="reason")
    whole = actions.family(alert_id)
    if not _answer(whole[alert_id], Taken.Answer.REFUSED, reason.strip()[:LONGEST_REASON]):
        raise Conflict(_("It is not another centre's, or was acknowledged."), code="ours", mend=_("Pass it on."))
    return actions.hand_off(alert_id, whole, actor, now or timezone.now(), text=reason)
