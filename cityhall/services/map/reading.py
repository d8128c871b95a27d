"""Which layer is held in memory, which is asked of the database, and for how long an answer is good.

What moves is read whole once a second or so, whoever looks: a thousand viewers cost the database what one does. The
reading takes at most a fifth of the time, so a larger layer is read less often, but every four seconds at least.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field

from django.db import connection

from cityhall.kernel.places.layers import geojson, many
from cityhall.kernel.service import Layer, Service, resolve
from cityhall.services.map.asked import Asked, estimate
from cityhall.services.map.held import Held
from cityhall.services.map.selection import Selection
from cityhall.services.map.table import from_arrow, from_features

log = logging.getLogger(__name__)
HELD_MOST = 250_000
"""Rows of a layer that a process keeps in memory."""
LIVE_S, STILL_S = 1.0, 20.0
"""How old what is shown of a layer may be: one that moves, one that stands."""
SHARE, LONGEST_S = 5.0, 4.0
TILES_BYTES = 64 * 2**20
Answers = Held | Asked


@dataclass
class _Slot:
    lock: threading.Lock = field(default_factory=threading.Lock)
    service: Service | None = None
    answers: Answers | None = None
    until: float = 0.0
    stamp: str = ""


_slots: dict[str, _Slot] = {}
_tiles: OrderedDict[tuple[object, ...], bytes] = OrderedDict()
_tiles_lock = threading.Lock()
_tiles_size = 0


def read(service: Service, layer: Layer) -> Answers:
    """The layer's answers, not older than they may be. One thread reads anew; others wait only for the first time."""
    slot = _slots.setdefault(f"{service.slug}/{layer.slug}", _Slot())
    known = slot.answers if slot.stamp == layer.stamp else None
    if known is not None and time.monotonic() < slot.until:
        return known
    if not slot.lock.acquire(blocking=known is None):
        return known  # type: ignore[return-value]
    try:
        _renew(slot, service, layer)
        assert slot.answers is not None
        return slot.answers
    finally:
        slot.lock.release()


def _renew(slot: _Slot, service: Service, layer: Layer) -> None:
    """Under the slot's lock: reads the layer, unless another has meanwhile or its stamp says that nothing changed."""
    began = time.monotonic()
    same = slot.answers is not None and slot.stamp == layer.stamp
    if same and began < slot.until:
        return
    if not (same and layer.stamp):
        slot.answers = _read(layer)
    took = time.monotonic() - began
    slot.service, slot.stamp = service, layer.stamp
    age = max(LIVE_S, min(SHARE * took, LONGEST_S)) if layer.live else max(STILL_S, SHARE * took)
    slot.until = time.monotonic() + age


def at_hand(service: str, slug: str) -> tuple[Service, Held] | None:
    """A public layer that can be answered for from memory now, without a word to the database; else None.

    One that has just become too old is given once more, while a thread reads it anew.
    """
    slot = _slots.get(f"{service}/{slug}")
    if slot is None or slot.service is None or not isinstance(slot.answers, Held) or slot.answers.layer.permission:
        return None
    late = time.monotonic() - slot.until
    if late > LIVE_S:
        return None
    if late > 0 and not slot.answers.layer.stamp and not slot.lock.locked():
        threading.Thread(target=_behind, args=(slot, slot.service, slot.answers.layer), daemon=True).start()
    return slot.service, slot.answers


def _behind(slot: _Slot, service: Service, layer: Layer) -> None:
    if slot.lock.acquire(blocking=False):
        try:
            _renew(slot, service, layer)
        except Exception:
            log.exception("%s/%s could not be read", service.slug, layer.slug)
        finally:
            slot.lock.release()
            connection.close()


def _read(layer: Layer) -> Answers:
    if not layer.query:
        return Held(layer, from_features(layer, geojson(layer)["features"]))
    rows = resolve(layer.query)()
    if estimate(rows, HELD_MOST + 1) > HELD_MOST:
        return Asked(layer, layer.stamp or f"{time.time():.0f}")
    return Held(layer, from_arrow(layer, *many(layer, rows)))


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
