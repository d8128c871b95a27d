"""Which layer is held in memory, which is asked of the database, and for how long an answer is good.

What moves is read once a second, whoever looks: a thousand viewers cost the database what one does. Who asks reads what
is read quickly; what takes long is read by a thread, and meanwhile the last answer will do, or the database's own.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, models

from cityhall.kernel import clock
from cityhall.kernel.places.declares import Layer
from cityhall.kernel.places.layers import geojson
from cityhall.kernel.places.rows import Reading, read_on, read_rows
from cityhall.kernel.service import Service, resolve
from cityhall.services.map.asked import Asked, estimate
from cityhall.services.map.held import Held
from cityhall.services.map.selection import Selection
from cityhall.services.map.table import Table, from_arrow, from_features

log = logging.getLogger(__name__)
HELD_BYTES = 512 * 2**20
"""Memory that a process may give to layers of many points; what does not fit is asked of the database."""
ROW_BYTES, FIELD_BYTES = 200, 24
"""About what a point takes, and each of its public fields."""
AT_ONCE = 150_000
"""Rows that whoever is first may wait for."""
LIVE_S, STILL_S = 1.0, 20.0
"""How old what is shown of a layer may be: one that moves, one that stands."""
SHARE, STILL_SHARE = 1.0, 10.0
"""How much longer than a reading took the next one waits."""
LONGEST_S, LONGEST_WHOLE_S = 1.0, 4.0
"""How long it waits at most for what moves: where it can be read on, where it must be read whole."""
SLOW_S = 0.5
"""What a reading may take to be waited for."""
LATE_S, LATE_STILL_S = 4.0, 60.0
"""How much too old an answer may be when it begins to be read anew, to be given meanwhile."""
SEEN_S = 0.5
"""For how long a layer that was open to all may be answered for without looking again."""
FORGOTTEN_S = 600.0
"""How old a reading may be to be read on from."""
TILES_BYTES = 64 * 2**20
Answers = Held | Asked


@dataclass
class _Slot:
    lock: threading.Lock = field(default_factory=threading.Lock)
    service: Service | None = None
    answers: Answers | None = None
    rows: Reading | None = None
    until: float = 0.0
    seen: float = 0.0
    slow: bool = False
    unread: bool = False
    stamp: str = ""


_slots: dict[str, _Slot] = {}
_tiles: OrderedDict[tuple[object, ...], bytes] = OrderedDict()
_tiles_lock = threading.Lock()
_tiles_size = 0


def read(service: Service, layer: Layer) -> Answers:
    """The layer's answers, not older than they may be.

    One thread reads anew; others go on with what is known, and wait only where that is nothing. What takes long is read
    by a thread of its own, and nobody waits for it.
    """
    slot = _slots.setdefault(f"{service.slug}/{layer.slug}", _Slot())
    slot.seen = time.monotonic()
    known = slot.answers if slot.stamp == layer.stamp else None
    if known is not None:
        # The same content, but others may see it now, or no longer.
        known.layer = layer
        late = _late(slot)
        if late < 0:
            return known
        if late > (LATE_S if layer.live else LATE_STILL_S) and not slot.lock.locked():
            # Nobody has looked for a while; whoever does now is not shown what was then.
            known = slot.answers = None
        elif slot.slow:
            _begin(slot, service, layer)
            return known
    if not slot.lock.acquire(blocking=known is None):
        assert known is not None
        return known
    try:
        _renew(slot, service, layer)
        assert slot.answers is not None
        return slot.answers
    finally:
        slot.lock.release()
        if slot.unread:
            _begin(slot, service, layer)


def _renew(slot: _Slot, service: Service, layer: Layer, *, wait: bool = False) -> None:
    """Under the slot's lock: reads the layer, unless another has meanwhile or its stamp says that nothing changed.

    A large layer that nothing is known of is answered for by the database, unless its reading is to be waited for.
    """
    began = time.monotonic()
    same = slot.stamp == layer.stamp
    if same and slot.answers is not None and _late(slot) < 0 and not (wait and slot.unread):
        return
    recent = same and began - slot.until < FORGOTTEN_S
    slot.answers, slot.rows = _read(slot, layer, slot.rows if recent else None, wait=wait)
    took = time.monotonic() - began
    slot.service, slot.stamp = service, layer.stamp
    slot.slow = bool(layer.query) and took > SLOW_S
    slot.until = time.monotonic() + _pause(slot, layer, took)


def _pause(slot: _Slot, layer: Layer, took: float) -> float:
    """Seconds until a layer is read again, so that a change is seen within LIVE_S of it where readings are quick."""
    if not layer.live:
        return max(STILL_S, STILL_SHARE * took)
    return min(max(SHARE * took, LIVE_S - 2 * took), LONGEST_S if slot.rows else LONGEST_WHOLE_S)


def at_hand(service: str, slug: str) -> tuple[Service, Held] | None:
    """A public layer that can be answered for from memory now, without a word to the database; else None.

    One that has just become too old is given once more, while a thread reads it anew.
    """
    slot = _slots.get(f"{service}/{slug}")
    answers = slot.answers if slot is not None else None
    if slot is None or slot.service is None or not isinstance(answers, Held) or answers.layer.permission:
        return None
    late = _late(slot)
    if (late > LIVE_S and not slot.lock.locked()) or _may_be_closed(slot, slot.service, answers):
        return None
    if late > 0:
        _begin(slot, slot.service, answers.layer)
    return slot.service, answers


def _late(slot: _Slot) -> float:
    """For how many seconds a layer has been to be read; below 0 until then."""
    # What a stamp says has not changed is not read again.
    return -1.0 if slot.stamp and isinstance(slot.answers, Held) else time.monotonic() - slot.until


def _may_be_closed(slot: _Slot, service: Service, answers: Held) -> bool:
    """Whether it must be asked who may see a layer: people publish and withdraw some of them at any moment."""
    declared = any(layer is answers.layer for layer in service.of(Layer))
    return not declared and time.monotonic() - slot.seen > SEEN_S


def look_again() -> None:
    """No layer is answered for before it was asked who may see it: some were published or withdrawn."""
    for slot in list(_slots.values()):
        slot.seen = 0.0


def _begin(slot: _Slot, service: Service, layer: Layer) -> None:
    if not slot.lock.locked():
        threading.Thread(target=_behind, args=(slot, service, layer), daemon=True).start()


def _behind(slot: _Slot, service: Service, layer: Layer) -> None:
    if slot.lock.acquire(blocking=False):
        try:
            _renew(slot, service, layer, wait=True)
        except Exception:
            log.exception("%s/%s could not be read", service.slug, layer.slug)
        finally:
            slot.lock.release()
            connection.close()


def _read(slot: _Slot, layer: Layer, before: Reading | None, *, wait: bool) -> tuple[Answers, Reading | None]:
    if not layer.query:
        return _held(slot, layer, from_features(layer, geojson(layer)["features"])), None
    rows: models.QuerySet[Any] = resolve(layer.query)()
    most = _most(slot, layer)
    if before is None or before.table.num_rows > most:
        before = None
        count = estimate(rows, most + 1)
        slot.unread = AT_ONCE < count <= most and not wait
        if count > most or slot.unread:
            return _unread(layer), None
    reading = read_rows(layer, rows) if before is None else read_on(layer, rows, before)
    return _held(slot, layer, from_arrow(layer, reading.table)), reading if reading.ended else None


def _held(slot: _Slot, layer: Layer, table: Table) -> Held:
    known = slot.answers
    return known if isinstance(known, Held) and known.digest == table.digest else Held(layer, table)


def _unread(layer: Layer) -> Asked:
    return Asked(layer, layer.stamp or f"{clock.time():.0f}")


def _most(slot: _Slot, layer: Layer) -> int:
    """Rows of a layer for which there is memory beside what other layers take."""
    kept = (one.answers for one in list(_slots.values()) if one is not slot)
    others = [answers.table.nbytes for answers in kept if isinstance(answers, Held) and answers.table.shapes is None]
    return max(0, HELD_BYTES - sum(others)) // (ROW_BYTES + FIELD_BYTES * len(layer.public_fields))


def tile(service: Service, answers: Answers, z: int, x: int, y: int, selection: Selection) -> bytes:
    """A vector tile; made once for each content of the layer."""
    global _tiles_size
    key = (service.slug, answers.layer.slug, answers.digest, z, x, y, selection.key)
    with _tiles_lock:
        made = _tiles.get(key)
        if made is not None:
            _tiles.move_to_end(key)
            return made
    made = answers.tile(z, x, y, selection)
    with _tiles_lock:
        if key not in _tiles:
            _tiles[key] = made
            _tiles_size += len(made) + 200
        while _tiles_size > TILES_BYTES:
            _tiles_size -= len(_tiles.popitem(last=False)[1]) + 200
    return made


def forget() -> None:
    """Lets go of everything that was read (for tests, and after a change that must show at once)."""
    global _tiles_size
    _slots.clear()
    with _tiles_lock:
        _tiles.clear()
        _tiles_size = 0
