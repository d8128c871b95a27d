"""Who signed an envelope: devices and their keys, kept in each process for a while.

That is safe because the statement that takes what they sent asks the database again whether the device may send and
whether the key is still its own.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from django.utils.translation import gettext_lazy as _

from cityhall.kernel.devices import drops, envelope, keys
from cityhall.kernel.devices.envelope import Envelope, Unsigned
from cityhall.kernel.devices.models import Device
from cityhall.kernel.errors import CityhallError, Conflict, Denied, Invalid, Unavailable

FRESH_SECONDS = 1.0
"""A wrong signature makes us read the key again, unless it was read within this time."""
KEEP_SECONDS = 60.0
"""After this a device is read again for its properties; its key and switch are checked with every envelope."""
MOST_KEPT = 200_000
log = logging.getLogger(__name__)
Checked = TypeVar("Checked")


@dataclass(frozen=True, slots=True)
class Known:
    """A device with its key, as it was when read."""

    device: Device
    key: bytes
    read_at: float


_known: dict[str, Known] = {}


def forget() -> None:
    """Empties this process's cache of keys."""
    _known.clear()


def look_up(public_ids: set[str]) -> None:
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
            _known[public_id] = Known(device, key, time.monotonic())


def signer(read: Envelope) -> Known:
    """The device that signed it, with its key. Raises Unsigned where none did."""
    known = _known.get(read.device)
    if known is not None and envelope.signed_by(read, known.key):
        return known
    if known is not None and time.monotonic() - known.read_at > FRESH_SECONDS:
        # The key may have been replaced since.
        look_up({read.device})
        known = _known.get(read.device)
        if known is not None and envelope.signed_by(read, known.key):
            return known
    raise Unsigned(
        _("Nobody we know signed this."),
        code="unsigned",
        mend=_("Check the device's id and key; an officer can give it a new key."),
    )


def opened(body: bytes, topic_device: str | None) -> Envelope:
    """The envelope in a body. Raises Invalid where it is none, or names another device than its topic."""
    read = envelope.read(body)
    if topic_device is not None and topic_device != read.device:
        raise Invalid(_("The topic names another device than the envelope."), code="wrong_topic", field="device")
    return read


class Refusable(Protocol):
    """What becomes of an envelope: it may be refused."""

    refusal: CityhallError | None


def all_signed(
    bodies: Sequence[bytes],
    topics: Sequence[str] | None,
    at: datetime,
    outcomes: Sequence[Refusable],
    check: Callable[[int, Envelope, Known], Checked],
) -> list[Checked]:
    """What `check` (place, envelope, signer) gives of each envelope that a known device signed.

    The others' refusals, and those that `check` raises, go into their outcomes and are counted.
    """
    found: list[tuple[int, Envelope]] = []
    for place, body in enumerate(bodies):
        try:
            found.append((place, opened(body, topics[place] if topics else None)))
        except CityhallError as problem:
            outcomes[place].refusal = problem
            drops.count(problem.code, at=at)
    look_up_new({read.device for _place, read in found})
    signed: list[Checked] = []
    for place, read in found:
        device = ""
        try:
            known = signer(read)
            device = known.device.public_id
            signed.append(check(place, read, known))
        except CityhallError as problem:
            outcomes[place].refusal = problem
            drops.count(problem.code, device=device, at=at)
    return signed


def look_up_new(public_ids: set[str]) -> None:
    """Reads those that this process has not read for a while."""
    oldest = time.monotonic() - KEEP_SECONDS
    wanted = {name for name in public_ids if name not in _known or _known[name].read_at < oldest}
    if wanted:
        look_up(wanted)


def why_not(device: Device) -> CityhallError:
    """Why the database did not take what a device had signed as it was read then; `look_up` has read it anew."""
    known = _known.get(device.public_id)
    if known is None or known.device.key_version != device.key_version:
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
