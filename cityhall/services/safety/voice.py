"""Voice between a caller and the operator who has their alert: asked for, offered, spoken, over.

The two browsers speak to each other (WebRTC, W3C Recommendation); the city only carries what they must know of one
another first, an offer and its answer (JSEP, RFC 9429), through its own doors. Nothing is recorded. The caller's
microphone is on only after a press of theirs.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.deadlines.actions import clear, set_deadline
from cityhall.kernel.deadlines.declares import Due
from cityhall.kernel.errors import Conflict, Invalid
from cityhall.kernel.journal import append
from cityhall.kernel.people.actors import ANONYMOUS, Actor, system
from cityhall.kernel.people.permissions import require
from cityhall.services.safety import stream
from cityhall.services.safety.actions import ANSWER, locked, say, touch
from cityhall.services.safety.calling import by_code
from cityhall.services.safety.models import Alert, Voice
from cityhall.services.safety.workflow import HELD

LAPSES = timedelta(minutes=2)
"""So long it is asked or rings."""
LONGEST = timedelta(hours=2)
"""So long it may go on: who forgot it is not heard for ever."""
LONGEST_SDP = 20_000
TURN_S = 3600
"""So long a name and password made from a relay's secret are good."""
KIND = "safety.voice"
WAITS = (Voice.State.ASKED, Voice.State.RINGING)


def ice_servers(now: datetime | None = None) -> list[dict[str, str]]:
    """The relays of the city's file, `[[service.safety.ice_servers]]`, as browsers take them; none without it.

    `urls` is a `stun:`, `turn:` or `turns:` address; with it `username` and `credential`, or the relay's `secret`, from
    which both are made for an hour (draft-uberti-behave-turn-rest-00, section 2.2, as coturn does).
    """
    given = settings.CITY.options.get("safety", {}).get("ice_servers", [])
    found = []
    for one in given if isinstance(given, list) else []:
        if not isinstance(one, dict) or not str(one.get("urls", "")).startswith(("stun:", "turn:", "turns:")):
            continue
        relay = {name: str(one[name]) for name in ("urls", "username", "credential") if one.get(name)}
        if secret := str(one.get("secret", "")):
            name = str(int((now or timezone.now()).timestamp()) + TURN_S)
            made = hmac.new(secret.encode(), name.encode(), hashlib.sha1).digest()
            relay |= {"username": name, "credential": base64.b64encode(made).decode()}
        found.append(relay)
    return found


def of(alert: Alert) -> Voice | None:
    """The latest voice of an alert, over or not."""
    return alert.voices.order_by("pk").last()


def told(voice: Voice | None, of_other: str) -> dict[str, Any]:
    """What a browser is told: how it stands, and what the other one says of itself (`offer` or `answer`)."""
    if voice is None:
        return {"id": None, "ice": ice_servers()}
    words = {"offer": voice.offer, "answer": voice.answer}[of_other]
    return {"id": voice.pk, "state": voice.state, "hears": voice.hears, "sdp": words, "ice": ice_servers()}


@transaction.atomic
def ask(actor: Actor, alert_id: int, *, now: datetime | None = None) -> Voice:
    """An operator asks to hear the caller; asked twice it is one. Raises Denied, Missing, Conflict."""
    alert = _own(actor, alert_id)
    if not alert.code:
        raise Conflict(_("Nobody follows this alert by a code: nobody can be asked."), code="no_caller")
    found = _open(alert)
    if found is not None:
        return found
    now = now or timezone.now()
    made = Voice.objects.create(alert=alert, operator_id=actor.person_id, state=Voice.State.ASKED, asked_at=now)
    _tell(made, "asked", actor, now + LAPSES)
    touch(alert)
    return made


@transaction.atomic
def offer(code: str, sdp: str, *, hears: bool, now: datetime | None = None) -> Voice:
    """The caller lets the desk hear them; one who comes back, as after loading the page anew, begins again.

    Raises Missing, Invalid for what is no offer of sound, Conflict where no operator has the alert.
    """
    _check(sdp)
    alert = by_code(code, lock=True)
    if alert.state not in HELD:
        raise Conflict(
            _("Nobody at the desk can hear you yet."), code="not_held", mend=_("Wait until your call is answered.")
        )
    now = now or timezone.now()
    found = _open(alert)
    if found is not None and found.state != Voice.State.ASKED:
        _over(found, Voice.State.ENDED, ANONYMOUS, now)
        found = None
    one = found or Voice(alert=alert, asked_at=now)
    one.state, one.offer, one.hears = Voice.State.RINGING, sdp, hears
    one.save()
    alert.unread_since = alert.unread_since or now
    _tell(one, "offered", ANONYMOUS, now + LAPSES)
    touch(alert, "unread_since")
    return one


@transaction.atomic
def take(actor: Actor, alert_id: int, voice_id: int, sdp: str, *, now: datetime | None = None) -> Voice:
    """The operator's browser answers. Raises Denied, Missing, Invalid, Conflict where that voice does not ring."""
    _check(sdp)
    alert = _own(actor, alert_id)
    one = _open(alert)
    if one is None or one.pk != voice_id or one.state != Voice.State.RINGING or one.answer:
        raise Conflict(_("The caller's voice does not ring any more."), code="not_ringing")
    one.answer, one.operator_id = sdp, actor.person_id
    one.save(update_fields=["answer", "operator"])
    touch(alert)
    return one


@transaction.atomic
def connected(code: str, voice_id: int, *, now: datetime | None = None) -> None:
    """The caller's browser says that sound goes. Twice is once. Raises Missing."""
    alert = by_code(code, lock=True)
    one = _open(alert)
    if one is None or one.pk != voice_id or not one.answer or one.state == Voice.State.SPEAKING:
        return
    now = now or timezone.now()
    one.state, one.began_at = Voice.State.SPEAKING, now
    one.save(update_fields=["state", "began_at"])
    _tell(one, "began", ANONYMOUS, now + LONGEST)
    touch(alert)


@transaction.atomic
def end_by_caller(code: str, voice_id: int, *, failed: bool = False, now: datetime | None = None) -> None:
    """The caller wants it no more, or their browser could not. What is over stays over. Raises Missing."""
    _end(by_code(code, lock=True), voice_id, ANONYMOUS, failed, now or timezone.now())


@transaction.atomic
def end_by_desk(
    actor: Actor, alert_id: int, voice_id: int, *, failed: bool = False, now: datetime | None = None
) -> None:
    """The same of the operator who has the alert. Raises Denied, Missing, Conflict."""
    _end(_own(actor, alert_id), voice_id, actor, failed, now or timezone.now())


def _end(alert: Alert, voice_id: int, actor: Actor, failed: bool, now: datetime) -> None:
    one = _open(alert)
    if one is not None and one.pk == voice_id:
        _over(one, Voice.State.FAILED if failed and one.began_at is None else Voice.State.ENDED, actor, now)
        touch(alert)


def end_with(alert: Alert, actor: Actor, now: datetime) -> None:
    """The alert is closed, or another has it: its voice ends. In a transaction that has the alert locked."""
    one = _open(alert)
    if one is not None:
        _over(one, Voice.State.ENDED, actor, now)


def lapsed(due: Due) -> None:
    """Nobody took it in time, or it went on too long (a DeadlineKind's action)."""
    number = int(due.subject.removeprefix("voice:"))
    alert_id = Voice.objects.filter(pk=number).values_list("alert_id", flat=True).first()
    if alert_id is None:
        return
    alert = locked(alert_id)
    one = _open(alert)
    if one is not None and one.pk == number:
        _over(one, Voice.State.FAILED if one.state in WAITS else Voice.State.ENDED, system("safety"), due.now)
        touch(alert)


def _over(one: Voice, state: str, actor: Actor, now: datetime) -> None:
    """Nothing of what the browsers told each other is kept."""
    one.state, one.ended_at, one.offer, one.answer = state, now, "", ""
    one.save()
    clear(KIND, f"voice:{one.pk}")
    seconds = round((now - one.began_at).total_seconds()) if one.began_at else None
    if seconds is not None:
        say(one.alert, "voice", actor, now, data={"seconds": seconds}, by_caller=actor.kind == "anonymous")
    data = {"voice": one.pk, "state": state, "seconds": seconds}
    append("safety", "voice.over", data, subject=stream.subject(one.alert_id), actor=str(actor))


def _tell(one: Voice, what: str, actor: Actor, until: datetime) -> None:
    set_deadline(KIND, f"voice:{one.pk}", until)
    data = {"voice": one.pk, "operator": one.operator_id, "hears": one.hears}
    append("safety", f"voice.{what}", data, subject=stream.subject(one.alert_id), actor=str(actor))


def _open(alert: Alert) -> Voice | None:
    return Voice.objects.select_for_update().filter(alert=alert, ended_at=None).first()


def _own(actor: Actor, alert_id: int) -> Alert:
    """A locked alert that the actor has. Raises Denied, Missing, Conflict."""
    require(actor, ANSWER)
    alert = locked(alert_id)
    if alert.state not in HELD or alert.owner_id != actor.person_id:
        raise Conflict(_("This alert is not yours."), code="not_yours", mend=_("Answer it, or take it over first."))
    return alert


def _check(sdp: str) -> None:
    """Raises Invalid for what is no session description of sound and nothing else (RFC 8866, section 5)."""
    kinds = [line.split(" ")[0] for line in sdp.splitlines() if line.startswith("m=")]
    if not sdp.startswith("v=0") or len(sdp) > LONGEST_SDP or kinds != ["m=audio"]:
        raise Invalid(_("This is no offer of sound."), code="bad_sdp", field="sdp")
