"""Text messages that the city sends, by a gateway that whoever runs the city has named (`SMS_URL`); without one, none.

What is to be sent is a row, made in the transaction of what it tells of; a job sends it after the commit
(`carrying.py`). Number and words are made up then, of the rows that it names.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Protocol
from urllib.parse import unquote

from django.conf import settings
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from cityhall.kernel.errors import Conflict, Denied, Invalid
from cityhall.kernel.journal import append
from cityhall.kernel.limits.sources import pseudonym
from cityhall.kernel.limits.spending import spend
from cityhall.kernel.notify.sending import language_of
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.values import url_parts
from cityhall.services.safety import carrying
from cityhall.services.safety.codes import code_of
from cityhall.services.safety.models import Alert, Line, TextMessage, Warning, WarningFollower
from cityhall.services.safety.workflow import State

NUMBER = re.compile(r"\+?\d{6,15}")
"""A telephone number, without what people write between its digits (E.164 has at most 15)."""
CODE_DIGITS, CODE_FOR, CODE_TRIES = 6, timedelta(minutes=15), 5
ASKED, ASKED_S = 5, 86_400.0
"""Codes that an account may have sent in a day, and that may be sent to a number."""
LONGEST = 459
"""Characters of a message: three parts of 153 (3GPP TS 23.040, section 9.2.3.24.1)."""
AT_ONCE = 500
"""Messages that one job sends; what is left over is another's."""
Kind = TextMessage.Kind


class Gateway(Protocol):
    """Whoever brings text messages to telephones."""

    def send(self, number: str, text: str, key: str) -> tuple[str, bool]:
        """Takes one; the same `key` again is the same message. What went wrong ("": nothing), and whether for good."""


class HttpGateway:
    """A gateway that takes a POST of `{"id", "to", "text"}`; a name and password in its address are sent as Basic."""

    def __init__(self, url: str) -> None:
        parts = url_parts(url)
        host = parts.hostname or ""
        netloc = f"[{host}]" if ":" in host else host
        self.url = parts._replace(netloc=f"{netloc}:{parts.port}" if parts.port else netloc).geturl()
        self.host = host
        self.auth = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None

    def send(self, number: str, text: str, key: str) -> tuple[str, bool]:
        """As the port says."""
        import requests

        from cityhall.kernel.outgoing import new_session

        body = {"id": key, "to": number, "text": text}
        headers = {"Idempotency-Key": key}
        try:
            with new_session(own=(self.host,)) as session:
                answer = session.post(
                    self.url,
                    json=body,
                    headers=headers,
                    auth=self.auth,
                    timeout=carrying.TIMEOUT_S,
                    allow_redirects=False,
                )
        except (requests.RequestException, ValueError) as problem:
            return type(problem).__name__, False
        if answer.status_code in carrying.OK:
            return "", False
        return f"HTTP {answer.status_code}", answer.status_code in carrying.REFUSED


def gateway() -> Gateway | None:
    """The city's gateway, None where none is named."""
    return HttpGateway(settings.SMS_URL) if settings.SMS_URL else None


def number_of(text: str) -> str:
    """A telephone number as people write it, "" for what is none."""
    bare = re.sub(r"[\s()./-]", "", text)
    return bare if NUMBER.fullmatch(bare) else ""


def _queue(messages: Sequence[TextMessage]) -> None:
    from cityhall.services.safety.tasks import send_texts

    if messages:
        TextMessage.objects.bulk_create(messages)
        send_texts.defer()


def acknowledge(alert: Alert, now: datetime) -> None:
    """Tells whoever called by text message that the call is here. In a transaction."""
    if gateway() is not None and number_of(alert.phone):
        _queue([TextMessage(kind=Kind.RECEIVED, alert=alert, made_at=now, try_at=now)])


def answered(alert: Alert, line: Line) -> None:
    """Sends what the desk has written to who called by text message, also of what is part of it. In a transaction."""
    if gateway() is None:
        return
    parts = Alert.objects.filter(part_of=alert, state=State.MERGED, door=Alert.Door.SMS).order_by("pk")
    to = [one for one in (alert, *parts) if one.door == Alert.Door.SMS and number_of(one.phone)]
    _queue([TextMessage(kind=Kind.REPLY, alert=one, line=line, made_at=line.at, try_at=line.at) for one in to])


def warn(warning: Warning, followers: Sequence[WarningFollower], now: datetime) -> int:
    """Sends a warning to those of the followers who gave a number and confirmed it; gives to how many."""
    if gateway() is None:
        return 0
    to = [one for one in followers if one.phone and one.confirmed_at is not None]
    made = [TextMessage(kind=Kind.WARNING, warning=warning, follower=one, made_at=now, try_at=now) for one in to]
    _queue(made)
    return len(made)


@transaction.atomic
def give_number(actor: Actor, text: str, *, now: datetime | None = None) -> WarningFollower:
    """Somebody who follows warnings wants them at a number: a code is sent there. "" forgets it.

    Raises Denied, Conflict where they follow none or the city sends none, Invalid for no number, TooMany.
    """
    follower, now = _follower(actor), now or timezone.now()
    follower.phone, follower.phone_at, follower.confirmed_at, follower.phone_tries = "", None, None, 0
    if text.strip():
        if gateway() is None:
            raise Conflict(_("The city sends no text messages."), code="no_gateway")
        number = number_of(text)
        if not number:
            raise Invalid(
                _("This is no telephone number."),
                code="no_number",
                field="phone",
                mend=_("Write it with the code of the country: +55 51 …"),
            )
        # Also by number: nobody has their telephone rung by many accounts.
        spend("safety number", pseudonym(str(actor)), ASKED, ASKED_S)
        spend("safety number", pseudonym(number), ASKED, ASKED_S)
        follower.phone, follower.phone_at = number, now
    follower.save(update_fields=["phone", "phone_at", "confirmed_at", "phone_tries"])
    append("safety", "follower.number", {"given": bool(follower.phone)}, actor=str(actor))
    if follower.phone:
        _queue([TextMessage(kind=Kind.CONFIRM, follower=follower, made_at=now, try_at=now)])
    return follower


def confirm(actor: Actor, code: str, *, now: datetime | None = None) -> None:
    """The code that was sent to a number came back. Raises Denied, Conflict, Invalid for another or an old one."""
    now = now or timezone.now()
    with transaction.atomic():
        follower = _follower(actor)
        in_time = follower.phone_at is not None and now - follower.phone_at <= CODE_FOR
        if follower.phone_tries >= CODE_TRIES or not in_time:
            right = False
        else:
            right = hmac.compare_digest(_code(follower), "".join(code.split()).encode())
            follower.phone_tries += 1
        if right:
            follower.confirmed_at = now
            append("safety", "follower.confirmed", {}, actor=str(actor))
        follower.save(update_fields=["phone_tries", "confirmed_at"])
    if not right:
        raise Invalid(
            _("This is not the code, or it is too old."), code="bad_code", field="code", mend=_("Have a new one sent.")
        )


def _follower(actor: Actor) -> WarningFollower:
    if actor.person_id is None:
        raise Denied(_("Sign in first."), code="denied")
    follower = WarningFollower.objects.select_for_update().filter(person_id=actor.person_id).first()
    if follower is None:
        raise Conflict(_("You are told of no warnings."), code="no_follower", mend=_("Say first that you want them."))
    return follower


def _code(follower: WarningFollower) -> bytes:
    """What was sent to a number: of the row and the moment, so that it is kept nowhere."""
    assert follower.phone_at is not None
    told = f"safety number {follower.pk} {follower.phone} {follower.phone_at.timestamp()}"
    made = hmac.new(settings.SECRET_KEY.encode(), told.encode(), sha256).digest()
    return f"{int.from_bytes(made[:8], 'big') % 10**CODE_DIGITS:0{CODE_DIGITS}d}".encode()


def send_waiting() -> None:
    """Sends what is due (a job)."""
    from cityhall.services.safety.tasks import send_texts

    out = TextMessage.objects.select_related("alert", "line", "warning", "follower__person")
    for _turn in range(AT_ONCE):
        message = carrying.claim(out, timezone.now(), in_order=False)
        if message is None:
            return
        problem, for_good = _send(message)
        carrying.ended(message, timezone.now(), problem, for_good=for_good)
    send_texts.defer()


def _send(message: TextMessage) -> tuple[str, bool]:
    by = gateway()
    if by is None:
        return "no gateway", False
    number, text = _written(message)
    if not number or not text:
        # The number was taken back, or the alert was erased.
        return "gone", True
    return by.send(number, text[:LONGEST], f"cityhall-{settings.CITY.slug}-{message.pk}")


def _written(message: TextMessage) -> tuple[str, str]:
    """Number and words of a message, in the language of whom it goes to; both "" where there is nobody any more."""
    follower, alert = message.follower, message.alert
    if follower is not None:
        language = language_of(follower.person)
    else:
        language = alert.language if alert and alert.language else settings.LANGUAGE_CODE
    with translation.override(language):
        if alert is not None:
            return number_of(alert.phone), _to_caller(message, alert)
        if follower is not None:
            return follower.phone, _to_follower(message, follower, language)
    return "", ""


def _to_caller(message: TextMessage, alert: Alert) -> str:
    if message.line is not None:
        return message.line.text
    if alert.key is None:
        return ""
    link = f"{settings.PUBLIC_URL}/safety/call/{code_of(alert.key)}/"
    return _("Received. Help is being looked for. Follow: %(link)s") % {"link": link}


def _to_follower(message: TextMessage, follower: WarningFollower, language: str) -> str:
    from cityhall.services.safety.warning import said

    if message.warning is None:
        return _("Your code for %(city)s: %(code)s") % {"city": settings.CITY.name, "code": _code(follower).decode()}
    warning = message.warning
    title = _("No more: %(headline)s") if warning.type == Warning.Type.CANCEL else _("Warning: %(headline)s")
    headline = title % {"headline": said(warning.headlines, language)}
    return f"{headline} {settings.PUBLIC_URL}/safety/warnings/{warning.pk}/"
