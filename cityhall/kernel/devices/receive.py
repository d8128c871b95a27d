"""The one way in for devices' envelopes, whichever door they come through.

Signatures are checked in the process; one statement for the whole batch then claims the nonces, says which devices
are still enabled and under which key, and notes when they were last seen. Claim and action share a transaction: an
envelope whose action fails has not been taken, and may be sent again as it is.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import DataError, InterfaceError, OperationalError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.devices import drops, envelope, keys
from cityhall.kernel.devices.declares import Door
from cityhall.kernel.devices.envelope import Envelope, Unsigned
from cityhall.kernel.devices.models import Device
from cityhall.kernel.errors import CityhallError, Conflict, Denied, Invalid, Unavailable, unkeepable
from cityhall.kernel.service import declared, resolve

Action = Callable[[Device, list[dict[str, Any]], datetime], None]

FRESH_SECONDS = 1.0
"""A wrong signature makes us read the key again, unless it was read within this time."""
KEEP_SECONDS = 60.0
"""After this a device is read again for its properties; its key and switch are checked with every envelope."""
MOST_KEPT = 200_000
log = logging.getLogger(__name__)

# An upsert, so that a device's first envelope needs no row made beforehand. The join is what makes a key cached in
# this process safe: a device disabled or given a new key elsewhere is not in it.
_CLAIM = """
INSERT INTO devices_devicestate AS s (device_id, highest, seen, last_seen)
SELECT d.id, x.nonce, 1, %s
FROM unnest(%s::bigint[], %s::bigint[], %s::int[]) AS x (id, nonce, version)
JOIN devices_device AS d ON d.id = x.id AND d.enabled AND d.key_version = x.version
ORDER BY d.id
ON CONFLICT (device_id) DO UPDATE SET
    highest = greatest(s.highest, excluded.highest),
    seen = CASE
        WHEN excluded.highest - s.highest >= 63 THEN 1
        WHEN excluded.highest > s.highest
            THEN (s.seen << least(excluded.highest - s.highest, 63)::int) | 1
        ELSE s.seen | (1::bigint << least(s.highest - excluded.highest, 63)::int)
    END,
    last_seen = excluded.last_seen
WHERE excluded.highest > s.highest OR (
    s.highest - excluded.highest < 63
    AND s.seen & (1::bigint << least(greatest(s.highest - excluded.highest, 0), 63)::int) = 0
)
RETURNING device_id
"""


@dataclass(slots=True)
class Outcome:
    """What became of one envelope: how many messages were taken, how many dropped and why, or its refusal."""

    accepted: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    refusal: CityhallError | None = None


@dataclass(frozen=True, slots=True)
class _Known:
    """A device with its key, as it was when read."""

    device: Device
    key: bytes
    read_at: float


@dataclass(slots=True)
class _Signed:
    """An envelope whose signature is good, and where its outcome goes."""

    place: int
    envelope: Envelope
    device: Device
    messages: list[Any]


_known: dict[str, _Known] = {}


def forget() -> None:
    """Empties this process's cache of keys."""
    _known.clear()


def _look_up(public_ids: set[str]) -> None:
    """Reads devices into the cache; those that do not exist leave it."""
    if len(_known) + len(public_ids) > MOST_KEPT:
        _known.clear()
    found = {device.public_id: device for device in Device.objects.filter(public_id__in=public_ids)}
    for public_id in public_ids:
        device = found.get(public_id)
        try:
            key = keys.unseal(bytes(device.key)) if device else b""
        except Unavailable as problem:
            log.error("device %s: %s", public_id, problem)
            device = None
        if device is None:
            _known.pop(public_id, None)
        else:
            _known[public_id] = _Known(device, key, time.monotonic())


def _signer(read: Envelope) -> Device:
    """The device that signed it. Raises Unsigned where none did."""
    known = _known.get(read.device)
    if known is not None and envelope.signed_by(read, known.key):
        return known.device
    if known is not None and time.monotonic() - known.read_at > FRESH_SECONDS:
        # The key may have been replaced since.
        _look_up({read.device})
        known = _known.get(read.device)
        if known is not None and envelope.signed_by(read, known.key):
            return known.device
    raise Unsigned(
        _("Nobody we know signed this."),
        code="unsigned",
        mend=_("Check the device's id and key; an officer can give it a new key."),
    )


def _open(body: bytes, topic_device: str | None) -> Envelope:
    read = envelope.read(body)
    if topic_device is not None and topic_device != read.device:
        raise Invalid(_("The topic names another device than the envelope."), code="wrong_topic", field="device")
    return read


def receive(
    bodies: Sequence[bytes], *, topics: Sequence[str] | None = None, received_at: datetime | None = None
) -> list[Outcome]:
    """Takes envelopes, and gives what became of each, in order.

    `topics` are the devices that the MQTT topics named. Refusals are in the outcomes; what is raised is only the
    database's own trouble (Django's OperationalError or InterfaceError), and then nothing was taken: send again.
    """
    at = received_at or timezone.now()
    outcomes = [Outcome() for _body in bodies]
    opened: list[tuple[int, Envelope]] = []
    for place, body in enumerate(bodies):
        try:
            opened.append((place, _open(body, topics[place] if topics else None)))
        except CityhallError as problem:
            outcomes[place].refusal = problem
            drops.count(problem.code, at=at)
    _look_up_new({read.device for _place, read in opened})
    signed: list[_Signed] = []
    for place, read in opened:
        signer = ""
        try:
            device = _signer(read)
            signer = device.public_id
            envelope.check_clock(read, at)
            signed.append(_Signed(place, read, device, envelope.messages_of(read)))
        except CityhallError as problem:
            outcomes[place].refusal = problem
            drops.count(problem.code, device=signer, at=at)
    for turn in _turns(signed):
        _take(turn, at, outcomes)
    return outcomes


def asker(body: bytes, path: str, *, asked_at: datetime | None = None) -> Device:
    """The device that asks for `path`: its envelope carries the one message {"kind": "get", "path": path}.

    Each envelope asks once. Raises Unsigned, Invalid, Denied for a device switched off, Conflict for a nonce used.
    """
    at = asked_at or timezone.now()
    read = _open(body, None)
    _look_up_new({read.device})
    device = _signer(read)
    envelope.check_clock(read, at)
    if envelope.messages_of(read) != [{"kind": "get", "path": path}]:
        raise Invalid(_("The envelope asks for something else."), code="wrong_path", field="payload")
    item = _Signed(0, read, device, [])
    if device.pk not in _claim([item], at):
        _look_up({device.public_id})
        raise _why_not(item)
    return device


def _look_up_new(public_ids: set[str]) -> None:
    oldest = time.monotonic() - KEEP_SECONDS
    wanted = {name for name in public_ids if name not in _known or _known[name].read_at < oldest}
    if wanted:
        _look_up(wanted)


def _turns(signed: list[_Signed]) -> list[list[_Signed]]:
    """The envelopes in rounds with at most one of each device, in their order: a statement touches a row once."""
    rounds: list[list[_Signed]] = []
    nth: Counter[int] = Counter()
    for item in signed:
        turn = nth[item.device.pk]
        nth[item.device.pk] += 1
        if turn == len(rounds):
            rounds.append([])
        rounds[turn].append(item)
    return rounds


def _take(items: list[_Signed], at: datetime, outcomes: list[Outcome]) -> None:
    """Takes the items in one transaction; where an action fails, each in one of its own, so that only it is lost.

    An action must therefore change nothing outside the database but on commit: it may be called twice.
    """
    try:
        with transaction.atomic():
            done = _claim_and_act(items, at)
    except (OperationalError, InterfaceError):
        raise
    except Exception as problem:
        if len(items) > 1:
            for item in items:
                _take([item], at, outcomes)
            return
        outcomes[items[0].place].refusal = _failure(items[0], problem, at)
        return
    for item, outcome in zip(items, done, strict=True):
        outcomes[item.place] = outcome
        for reason, number in outcome.dropped.items():
            drops.count(reason, number, device=item.device.public_id, at=at)
        if outcome.refusal is not None:
            drops.count(outcome.refusal.code, device=item.device.public_id, at=at)


def _failure(item: _Signed, problem: Exception, at: datetime) -> CityhallError:
    if isinstance(problem, DataError):
        # Sent again it would be refused again.
        problem = unkeepable()
    elif not isinstance(problem, CityhallError):
        log.error("messages of device %s could not be handled", item.device.public_id, exc_info=problem)
        problem = Unavailable(
            _("These messages could not be handled."), code="failed", mend=_("Send them again later.")
        )
    drops.count(problem.code, max(1, len(item.messages)), device=item.device.public_id, at=at)
    return problem


def _claim_and_act(items: list[_Signed], at: datetime) -> list[Outcome]:
    claimed = _claim(items, at)
    refused = [item for item in items if item.device.pk not in claimed]
    if refused:
        _look_up({item.device.public_id for item in refused})
    actions = doors()
    return [_act(item, at, actions) if item.device.pk in claimed else Outcome(refusal=_why_not(item)) for item in items]


def _claim(items: list[_Signed], at: datetime) -> set[int]:
    """Primary keys of the devices whose nonce was new and which may send."""
    with connection.cursor() as cursor:
        cursor.execute(
            _CLAIM,
            [
                at,
                [item.device.pk for item in items],
                [item.envelope.nonce for item in items],
                [item.device.key_version for item in items],
            ],
        )
        return {row[0] for row in cursor.fetchall()}


def _why_not(item: _Signed) -> CityhallError:
    known = _known.get(item.device.public_id)
    if known is None or known.device.key_version != item.device.key_version:
        return Unsigned(
            _("Nobody we know signed this."),
            code="unsigned",
            mend=_("The device was given a new key: use that."),
        )
    if not known.device.enabled:
        return Denied(_("This device is switched off."), code="disabled", mend=_("Ask an officer to switch it on."))
    return Conflict(
        _("This nonce was used before, or is far behind the highest one."),
        code="replay",
        field="nonce",
        mend=_("Use a larger number for each envelope."),
    )


def _act(item: _Signed, at: datetime, actions: dict[tuple[str, str], list[Action]]) -> Outcome:
    """Hands the messages to the doors of the device's own service, one call for each kind."""
    outcome = Outcome()
    dropped: Counter[str] = Counter()
    by_kind: dict[str, list[dict[str, Any]]] = {}
    for message in item.messages:
        kind = message.get("kind") if isinstance(message, dict) else None
        if isinstance(kind, str):
            by_kind.setdefault(kind, []).append(message)
        else:
            dropped["no_kind"] += 1
    for kind, messages in by_kind.items():
        takers = actions.get((item.device.owner, kind), [])
        if not takers:
            dropped["unknown_kind"] += len(messages)
            continue
        for action in takers:
            action(item.device, messages, at)
        outcome.accepted += len(messages)
    outcome.dropped = dict(dropped)
    return outcome


def doors() -> dict[tuple[str, str], list[Action]]:
    """The actions by (service, kind of message), as the manifests declare them."""
    found: dict[tuple[str, str], list[Action]] = {}
    for service, door in declared(Door):
        found.setdefault((service.slug, door.kind), []).append(resolve(door.action))
    return found
