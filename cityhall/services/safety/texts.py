"""A call for help by text message: a gateway brings it, and its number is the caller.

It comes by the urgent lane of devices (`kernel/devices/urgent.py`): signed, or by a door that has looked who speaks. So
the same message of a gateway is one, however often it is sent. All that is written is an alert; what the same number
writes while that is open is a message of its caller.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from secrets import token_hex
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.devices import registry, urgent
from cityhall.kernel.devices.models import Device, UrgentMessage
from cityhall.kernel.devices.urgent import Unsigned, Urgent
from cityhall.kernel.errors import Denied, Invalid
from cityhall.kernel.limits.sources import pseudonym
from cityhall.kernel.people.actors import Actor, system
from cityhall.kernel.people.permissions import require
from cityhall.services.safety import actions, calling, stream, texting
from cityhall.services.safety.alarm_companies import CHANGE
from cityhall.services.safety.models import Alert
from cityhall.services.safety.pressing import press
from cityhall.services.safety.workflow import State

KIND = "sms"
DEVICE = "sms-gateway"
SAME = timedelta(minutes=10)
"""Without an id of the gateway's, the same words of the same number within this time are one message sent again."""
LONGEST_ID = 60


def register(actor: Actor, name: str) -> tuple[Device, str]:
    """A gateway that may bring text messages, and its key, which is shown this once. Raises Denied, Invalid."""
    require(actor, CHANGE)
    if not name.strip():
        raise Invalid(_("It needs a name."), code="no_name", field="name")
    return registry.register(system("safety"), kind=DEVICE, owner="safety", label=name.strip()[:100])


def take(device: Device, given: Mapping[str, Any], *, now: datetime | None = None) -> str:
    """What a gateway brings, `{"id", "from", "text"}`; gives what it has become ("alert:12").

    Nothing in it is needed: what cannot be read is an alert without a number, or without words. Raises what the urgent
    lane refuses with, Unavailable to have it sent again.
    """
    now = now or timezone.now()
    message = {"kind": KIND, "from": _text(given, "from"), "text": _text(given, "text")}
    key = _key(device, _text(given, "id"), message, now)
    sent = Unsigned(device, KIND, key, message, round(now.timestamp() * 1000))
    outcome = urgent.take_unsigned([sent], received_at=now)[0]
    if outcome.refusal is not None:
        raise outcome.refusal
    return UrgentMessage.objects.values_list("subject", flat=True).get(device=device, key=key)


def _text(given: Mapping[str, Any], name: str) -> str:
    value = given.get(name)
    return str(value).replace("\0", "").strip() if isinstance(value, str | int) else ""


def _key(device: Device, named: str, message: Mapping[str, str], now: datetime) -> str:
    """What tells a message from the gateway's others, and is the same when it is sent again."""
    if named:
        return f"id:{named}" if len(named) <= LONGEST_ID else f"id:{sha256(named.encode()).hexdigest()[:LONGEST_ID]}"
    same = f"same:{pseudonym(message['from'] + chr(10) + message['text'])}:"
    before = UrgentMessage.objects.filter(device=device, key__startswith=same, received_at__gte=now - SAME)
    latest = before.order_by("-pk").values_list("key", flat=True).first()
    return latest or f"{same}{int(now.timestamp() // SAME.total_seconds())}"


def received(messages: list[Urgent]) -> list[str]:
    """Text messages (an UrgentDoor's action): each an alert, or what the caller of one that is open says."""
    if any(one.device.kind != DEVICE for one in messages):
        raise Denied(_("This device brings no text messages."), code="no_gateway")
    read = [(one, caller(_text(one.message, "from")), _text(one.message, "text")) for one in messages]
    _one_at_a_time({phone for _one, phone, _said in read if phone})
    return [stream.subject(_taken(one, phone, said)) for one, phone, said in read]


def caller(sender: str) -> str:
    """A sender as the alert keeps it: a number without what stands between its digits, else its letters."""
    return texting.number_of(sender) or sender[:30]


def _one_at_a_time(phones: set[str]) -> None:
    """Two messages of a number at one moment are one alert: the second waits until the first is committed."""
    with connection.cursor() as cursor:
        for phone in sorted(phones):
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 7))", [phone])


@transaction.atomic
def _taken(one: Urgent, phone: str, said: str) -> int:
    actor = Actor("device", one.device.public_id)
    going_on = Alert.objects.exclude(state=State.CLOSED).filter(door=Alert.Door.SMS, phone=phone) if phone else None
    number = going_on.order_by("-pk").values_list("pk", flat=True).first() if going_on is not None else None
    if number is not None:
        alert = actions.locked(number)
        if alert.state != State.CLOSED:
            calling.hear(alert, said[: actions.LONGEST] or "–", actor, one.received_at)
            return alert.pk
    key = f"sms-{token_hex(16)}"
    made = press(actor, key, door=Alert.Door.SMS, phone=phone, text=said, at=one.received_at)
    texting.acknowledge(made.alert, one.received_at)
    return made.alert.pk
