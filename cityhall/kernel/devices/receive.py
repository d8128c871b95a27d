"""The one way in for devices' envelopes, whichever door they come through.

Signatures are checked in the process; one statement for the whole batch then claims the nonces, says which devices
are still enabled and under which key, and notes when they were last seen. Claim and action share a transaction: an
envelope whose action fails has not been taken, and may be sent again as it is.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import DataError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.database.outage import is_outage, too_much
from cityhall.kernel.devices import drops, envelope, signers
from cityhall.kernel.devices.declares import Door
from cityhall.kernel.devices.envelope import Envelope
from cityhall.kernel.devices.models import Device
from cityhall.kernel.devices.signers import Known
from cityhall.kernel.errors import CityhallError, Invalid, Unavailable, unkeepable
from cityhall.kernel.service import declared, resolve

Action = Callable[[Device, list[dict[str, Any]], datetime], None]

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
    receipt: bytes = b""
    """None: what is not urgent is not told of."""


@dataclass(slots=True)
class _Signed:
    """An envelope whose signature is good, and where its outcome goes."""

    place: int
    envelope: Envelope
    device: Device
    messages: list[Any]


def receive(
    bodies: Sequence[bytes], *, topics: Sequence[str] | None = None, received_at: datetime | None = None
) -> list[Outcome]:
    """Takes envelopes, and gives what became of each, in order.

    `topics` are the devices that the MQTT topics named. Refusals are in the outcomes; what is raised is only the
    database's own trouble (`is_outage`), and then nothing was taken: send again.
    """
    at = received_at or timezone.now()
    outcomes = [Outcome() for _body in bodies]

    def checked(place: int, read: Envelope, known: Known) -> _Signed:
        envelope.check_clock(read, at)
        envelope.check_nonce(read, at)
        return _Signed(place, read, known.device, envelope.messages_of(read))

    for turn in _turns(signers.all_signed(bodies, topics, at, outcomes, checked)):
        _take(turn, at, outcomes)
    return outcomes


def asker(body: bytes, path: str, *, asked_at: datetime | None = None) -> Device:
    """The device that asks for `path`: its envelope carries the one message {"kind": "get", "path": path}.

    Each envelope asks once. Raises Unsigned, Invalid, Denied for a device switched off, Conflict for a nonce used.
    """
    at = asked_at or timezone.now()
    read = signers.opened(body, None)
    signers.look_up_new({read.device})
    device = signers.signer(read).device
    envelope.check_clock(read, at)
    envelope.check_nonce(read, at)
    if envelope.messages_of(read) != [{"kind": "get", "path": path}]:
        raise Invalid(_("The envelope asks for something else."), code="wrong_path", field="payload")
    item = _Signed(0, read, device, [])
    if device.pk not in _claim([item], at):
        signers.look_up({device.public_id})
        raise signers.why_not(device)
    return device


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
    except Exception as problem:
        if is_outage(problem):
            raise
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
    if isinstance(problem, DataError) or too_much(problem):
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
    refused = {item.device.public_id for item in items if item.device.pk not in claimed}
    if refused:
        signers.look_up(refused)
    actions = doors()
    return [
        _act(item, at, actions) if item.device.pk in claimed else Outcome(refusal=signers.why_not(item.device))
        for item in items
    ]


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


def take_unsigned(pk: int, messages: list[dict[str, Any]], at: datetime) -> bool:
    """What a door that has looked who speaks heard of a device: every service that takes that kind is given it.

    Gives whether it was taken: what an action raises is counted ("failed") and told in the log. Raises what an outage
    of the database raises: then it is to be told again.
    """
    device = Device.objects.filter(pk=pk, enabled=True).first()
    if device is None:
        return False
    kinds = {message.get("kind") for message in messages}
    try:
        with transaction.atomic():
            for (_service, kind), takers in doors().items():
                for action in takers if kind in kinds else ():
                    action(device, [message for message in messages if message.get("kind") == kind], at)
    except Exception as problem:
        if is_outage(problem):
            raise
        log.exception("what device %s said could not be taken", device.public_id)
        drops.count("failed", len(messages), device=device.public_id, at=at)
        return False
    return True


def doors() -> dict[tuple[str, str], list[Action]]:
    """The actions by (service, kind of message), as the manifests declare them."""
    found: dict[tuple[str, str], list[Action]] = {}
    for service, door in declared(Door):
        found.setdefault((service.slug, door.kind), []).append(resolve(door.action))
    return found
