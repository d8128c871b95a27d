"""The lane of urgent messages, apart from all others: what a device was told is received is on the city's disk.

An urgent envelope is taken whatever its clock says and however far its nonce lags: a wrong clock loses no alarm. What
keeps it from counting twice is a key of the message itself (its "id", else the envelope's nonce and its place in it),
which is remembered for as long as the device is known. The device sends the same again until it has the receipt; each
time it gets one, of the same thing.

The receipt is signed with the device's own key, by us, after the commit: what a broker acknowledges says only that the
broker has it. Its form is told by `cityhall/simulator/signing.py`.
"""

from __future__ import annotations

import hmac
import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

import orjson
from django.db import DataError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.database.outage import is_outage, too_much
from cityhall.kernel.devices import drops, envelope, signers
from cityhall.kernel.devices.declares import UrgentDoor
from cityhall.kernel.devices.envelope import Envelope
from cityhall.kernel.devices.models import Device
from cityhall.kernel.devices.signers import Known
from cityhall.kernel.errors import CityhallError, Invalid, Unavailable, unkeepable
from cityhall.kernel.service import declared, resolve

RECEIPT = "cityhall-receipt-1"
LONGEST_KEY = 64
"""Characters of a message's own "id"."""
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Urgent:
    """An urgent message. `received_at` is the city's time of it; `doubtful`: the device's clock says another one."""

    device: Device
    message: dict[str, Any]
    received_at: datetime
    doubtful: bool


Action = Callable[[list[Urgent]], list[str]]
Actions = dict[tuple[str, str], Action]
"""By service and kind of message."""
Where = tuple[int, str]
"""A device's number, and the key of its message."""

# Of messages of devices that may send: what each became when it came before, NULL where it is new.
_FIND = """
SELECT d.id, x.key, u.subject, u.received_at
FROM unnest(%s::bigint[], %s::int[], %s::text[]) AS x (id, version, key)
JOIN devices_device AS d ON d.id = x.id AND d.enabled AND d.key_version = x.version
LEFT JOIN devices_urgentmessage AS u ON u.device_id = d.id AND u.key = x.key
"""
_AGAIN = """
UPDATE devices_urgentmessage AS u SET times = u.times + 1
FROM (SELECT m.id FROM devices_urgentmessage AS m
    JOIN unnest(%s::bigint[], %s::text[]) AS x (device_id, key) ON m.device_id = x.device_id AND m.key = x.key
    ORDER BY m.device_id, m.key FOR UPDATE OF m) AS found
WHERE u.id = found.id
"""
# All in one order, so that two transactions with the same messages do not wait on one another for ever.
_KEEP = """
INSERT INTO devices_urgentmessage (device_id, key, kind, received_at, sent_at, doubtful, times, subject)
SELECT x.id, x.key, x.kind, %s, x.sent, x.doubtful, 1, x.subject
FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::bigint[], %s::bool[], %s::text[])
    AS x (id, key, kind, sent, doubtful, subject)
ORDER BY x.id, x.key
ON CONFLICT (device_id, key) DO NOTHING
"""
_SEEN = """
INSERT INTO devices_devicestate AS s (device_id, highest, seen, last_seen)
SELECT id, 0, 0, %s FROM unnest(%s::bigint[]) AS x (id) ORDER BY id
ON CONFLICT (device_id) DO UPDATE SET last_seen = excluded.last_seen
"""
MOST_RACES = 5
"""How often a transaction is tried again whose messages another one took at the same moment."""


class Raced(Exception):
    """Another transaction has taken one of these messages meanwhile: it must not count twice."""


@dataclass(frozen=True, slots=True)
class Unsigned:
    """A message of a device whose own protocol signs nothing: its door has looked who it is, in its own way.

    `key` tells it from the device's others, as an envelope's messages have it; `sent_at` is the device's own time, ms
    since 1970 UTC.
    """

    device: Device
    kind: str
    key: str
    message: dict[str, Any]
    sent_at: int


@dataclass(slots=True)
class Outcome:
    """What became of one envelope: its receipt, or why there is none. An unsigned message has no receipt."""

    receipt: bytes = b""
    refusal: CityhallError | None = None


@dataclass(frozen=True, slots=True)
class _Sent:
    """What one device sent at once: (key, kind, message) of each of its messages, and the service that takes them.

    `signed` is the envelope and whose key it has, None for what came unsigned.
    """

    place: int
    device: Device
    service: str
    sent_at: int
    doubtful: bool
    messages: list[tuple[str, str, dict[str, Any]]]
    signed: tuple[Envelope, Known] | None = None


@dataclass(slots=True)
class _Taken:
    """A message that is noted: `subject` is what it has become, "" as long as nobody was given it."""

    key: str
    subject: str
    received_at: datetime


def take(
    bodies: Sequence[bytes], *, topics: Sequence[str] | None = None, received_at: datetime | None = None
) -> list[Outcome]:
    """Takes urgent envelopes, and gives the receipt or the refusal of each, in order.

    `topics` are the devices that the MQTT topics named. What is raised is only the database's own trouble
    (`is_outage`), and then nothing was taken: send again.
    """
    at = received_at or timezone.now()
    outcomes = [Outcome() for _body in bodies]
    actions = _actions()

    def checked(place: int, read: Envelope, known: Known) -> _Sent:
        messages = _messages(read, known.device, actions)
        doubtful, device = _doubtful(read.sent_at, at), known.device
        return _Sent(place, device, device.owner, read.sent_at, doubtful, messages, (read, known))

    sent = signers.all_signed(bodies, topics, at, outcomes, checked)
    if sent:
        _take(sent, at, outcomes, actions)
    return outcomes


def take_unsigned(messages: Sequence[Unsigned], *, received_at: datetime | None = None) -> list[Outcome]:
    """Takes urgent messages of devices that cannot sign, and says of each in order whether it was taken.

    Only a door that has looked who speaks may call it. The service is the one whose device it is, or where that takes
    no such kind, the first that does. What is raised is only the database's own trouble (`is_outage`), and then nothing
    was taken: the device is not answered, and sends again.
    """
    at = received_at or timezone.now()
    outcomes = [Outcome() for _message in messages]
    actions = _actions()
    sent = []
    for place, one in enumerate(messages):
        services = [slug for slug, kind in actions if kind == one.kind]
        if not services:
            outcomes[place].refusal = problem = _nobodys()
            drops.count(problem.code, device=one.device.public_id, at=at)
            continue
        service = one.device.owner if one.device.owner in services else services[0]
        doubtful = _doubtful(one.sent_at, at)
        sent.append(_Sent(place, one.device, service, one.sent_at, doubtful, [(one.key, one.kind, one.message)]))
    if sent:
        _take(sent, at, outcomes, actions)
    return outcomes


def _doubtful(sent_at: int, at: datetime) -> bool:
    return abs(int(at.timestamp() * 1000) - sent_at) > envelope.SKEW_MS


def _nobodys() -> Invalid:
    return Invalid(
        _("No service of the city takes this message as an urgent one."),
        code="unknown_kind",
        field="kind",
        mend=_("Send it as an ordinary message, or give the kind that the service names."),
    )


def _messages(read: Envelope, device: Device, actions: Actions) -> list[tuple[str, str, dict[str, Any]]]:
    """(key, kind, message) of each. Raises Invalid where one of them is nobody's: it must not be thought received."""
    found = []
    for number, message in enumerate(envelope.messages_of(read)):
        kind = message.get("kind") if isinstance(message, dict) else None
        if not isinstance(kind, str) or (device.owner, kind) not in actions:
            raise _nobodys()
        key = message.get("id", f"{read.nonce}.{number}")
        if not isinstance(key, str) or not 0 < len(key) <= LONGEST_KEY or "\0" in key:
            raise Invalid(
                _("This is not the id of a message."),
                code="bad_id",
                field="id",
                mend=_("Give text of 1 to %(most)d letters, another one for each press.") % {"most": LONGEST_KEY},
            )
        found.append((key, kind, message))
    if not found:
        raise Invalid(_("The envelope holds no message."), code="empty", field="payload")
    return found


def _take(sent: list[_Sent], at: datetime, outcomes: list[Outcome], actions: Actions) -> None:
    """Takes all in one transaction; where an action fails, each in one of its own, so that only it is not taken."""
    try:
        taken = _at_once(sent, at, actions)
    except Exception as problem:
        if is_outage(problem):
            raise
        if len(sent) > 1:
            for one in sent:
                _take([one], at, outcomes, actions)
            return
        outcomes[sent[0].place].refusal = _failure(sent[0], problem, at)
        return
    # Committed: only now is it received.
    for one in sent:
        rows = [taken.get((one.device.pk, key)) for key, _kind, _message in one.messages]
        if None in rows:
            outcomes[one.place].refusal = refusal = _why_not(one.device)
            drops.count(refusal.code, device=one.device.public_id, at=at)
        elif one.signed:
            outcomes[one.place].receipt = _receipt(*one.signed, [row for row in rows if row is not None])


def _at_once(sent: list[_Sent], at: datetime, actions: Actions) -> dict[Where, _Taken]:
    for races in range(MOST_RACES):
        try:
            with transaction.atomic():
                return _find_and_act(sent, at, actions)
        except Raced:
            if races + 1 == MOST_RACES:
                raise
    raise AssertionError


def _find_and_act(sent: list[_Sent], at: datetime, actions: Actions) -> dict[Where, _Taken]:
    """What each message has become; those of a device that may not send are not in it."""
    first: dict[Where, tuple[_Sent, str, dict[str, Any]]] = {}
    for one in sent:
        for key, kind, message in one.messages:
            first.setdefault((one.device.pk, key), (one, kind, message))
    known = _find([(one.device.pk, one.device.key_version, key) for (_pk, key), (one, _kind, _m) in first.items()])
    taken = {where: row for where, row in known.items() if row is not None}
    new: dict[tuple[str, str], list[Where]] = defaultdict(list)
    for where, row in known.items():
        if row is None:
            new[first[where][0].service, first[where][1]].append(where)
    made: list[tuple[Where, _Sent, str, str]] = []
    for door, places in new.items():
        asked = [first[where] for where in places]
        given = [Urgent(one.device, message, at, one.doubtful) for one, _kind, message in asked]
        for where, subject in zip(places, actions[door](given), strict=True):
            if not subject:
                raise ValueError(f"{door}: an urgent message must have become something")
            made.append((where, first[where][0], door[1], subject))
    _keep(made, sorted(taken), at)
    return taken | {where: _Taken(where[1], subject, at) for where, _one, _kind, subject in made}


def _find(messages: list[tuple[int, int, str]]) -> dict[Where, _Taken | None]:
    """What became of messages (device, version of its key, key of the message) that came before; None for new ones."""
    with connection.cursor() as cursor:
        cursor.execute(_FIND, [list(column) for column in zip(*messages, strict=True)])
        return {
            (device, key): None if subject is None else _Taken(key, subject, when)
            for device, key, subject, when in cursor.fetchall()
        }


def _keep(made: list[tuple[Where, _Sent, str, str]], again: list[Where], at: datetime) -> None:
    """Remembers new messages with what they became, and that others came again. Raises Raced."""
    rows = [(*where, kind, one.sent_at, one.doubtful, subject) for where, one, kind, subject in made]
    with connection.cursor() as cursor:
        if rows:
            cursor.execute(_KEEP, [at, *(list(column) for column in zip(*rows, strict=True))])
            if cursor.rowcount < len(rows):
                raise Raced
        if again:
            cursor.execute(_AGAIN, [list(column) for column in zip(*again, strict=True)])
        devices = sorted({where[0] for where, *_rest in made} | {device for device, _key in again})
        if devices:
            cursor.execute(_SEEN, [at, devices])


def _why_not(device: Device) -> CityhallError:
    """Why nothing of a device was taken: its key is another one now, or it is switched off."""
    signers.look_up({device.public_id})
    problem = signers.why_not(device)
    # On again since: what it sends once more is taken.
    return problem if problem.status in (401, 403) else _again()


def _again() -> Unavailable:
    return Unavailable(_("These messages could not be handled."), code="failed", mend=_("Send them again."), wait_s=1)


def _failure(one: _Sent, problem: Exception, at: datetime) -> CityhallError:
    if isinstance(problem, DataError) or too_much(problem):
        problem = unkeepable()
    elif not isinstance(problem, CityhallError):
        log.error("urgent messages of device %s could not be handled", one.device.public_id, exc_info=problem)
        problem = _again()
    drops.count(problem.code, len(one.messages), device=one.device.public_id, at=at)
    return problem


def _receipt(read: Envelope, known: Known, rows: list[_Taken]) -> bytes:
    """What a device is told: one JSON object, signed with its own key."""
    messages = [
        {"id": row.key, "subject": row.subject, "received_at": round(row.received_at.timestamp() * 1000)}
        for row in rows
    ]
    payload = orjson.dumps(messages).decode()
    device = known.device.public_id
    text = f"{RECEIPT}\n{device}\n{read.nonce}\n{payload}"
    signature = hmac.new(known.key, text.encode(), sha256).hexdigest()
    said = {"device": device, "nonce": read.nonce, "payload": payload, "signature": signature}
    return orjson.dumps(said)


def _actions() -> Actions:
    """The actions by (service, kind of message), as the manifests declare them."""
    return {(service.slug, door.kind): resolve(door.action) for service, door in declared(UrgentDoor)}
