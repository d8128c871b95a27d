"""Replay: where things were in a past hour, from a layer's own history, the journal, or the trail of what moves.

A live layer that gives no history leaves a trail: the worker keeps where everything was, every few seconds.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import Error
from django.utils import timezone

from cityhall.kernel.journal.models import Entry
from cityhall.kernel.places.declares import Layer, Sighting
from cityhall.kernel.places.layers import plain, public
from cityhall.kernel.service import Service, declared, resolve
from cityhall.kernel.work.regular import look_every
from cityhall.services.map.held import Held
from cityhall.services.map.models import Trail
from cityhall.services.map.reading import read
from cityhall.services.map.table import Table

log = logging.getLogger(__name__)
EVERY_S = 15
KEPT = timedelta(days=7)
TRAIL_MOST = 5_000
"""Things a layer may have for a trail to be kept of it; a larger one gives its own history."""
SIGHTINGS_MOST = 400_000
NOT_KEPT = frozenset({"at", "bearing", "accuracy", "fix", "url"})


def can_replay(layer: Layer) -> bool:
    """Whether a layer's past can be shown."""
    return bool(layer.history or layer.events or layer.live)


def sightings(service: Service, layer: Layer, start: datetime, end: datetime) -> Iterable[Sighting]:
    """What is known of a layer between two moments, in order; only its public fields."""
    if layer.history:
        found = resolve(layer.history)(start, end)
        return (one._replace(properties=public(layer, one.properties)) for one in found)
    return from_journal(layer, start, end) if layer.events else from_trail(service, layer, start, end)


def from_journal(layer: Layer, start: datetime, end: datetime) -> Iterator[Sighting]:
    """Events of the layer's types that say `lon` and `lat`; each is a sighting of its subject."""
    entries = Entry.objects.filter(type__in=layer.events, time__gte=start, time__lt=end, position__isnull=False)
    for entry in entries.order_by("time", "position")[:SIGHTINGS_MOST]:
        lon, lat = entry.data.get("lon"), entry.data.get("lat")
        if isinstance(lon, int | float) and isinstance(lat, int | float):
            shown = {name: plain(value) for name, value in public(layer, entry.data).items()}
            yield Sighting(entry.subject or str(entry.id), entry.time, float(lon), float(lat), shown)


def from_trail(service: Service, layer: Layer, start: datetime, end: datetime) -> Iterator[Sighting]:
    """What the worker kept of a live layer."""
    kept = Trail.objects.filter(layer=f"{service.slug}/{layer.slug}", at__gte=start, at__lt=end).order_by("at")
    for trail in kept.iterator():
        for identity, (lon, lat, properties) in trail.places.items():
            yield Sighting(identity, trail.at, lon, lat, public(layer, properties))


def tracks(found: Iterable[Sighting]) -> list[dict[str, Any]]:
    """Sightings by what was seen: {"id", "at": [seconds], "places": [[lon, lat]], "properties": the newest}."""
    tracked: dict[str, dict[str, Any]] = {}
    for one in found:
        track = tracked.setdefault(one.id, {"id": one.id, "at": [], "places": [], "properties": {}})
        track["at"].append(round(one.at.timestamp(), 1))
        track["places"].append([round(one.lon, 6), round(one.lat, 6)])
        track["properties"] = one.properties or track["properties"]
    return list(tracked.values())


def keep_trails(now: datetime | None = None) -> int:
    """Notes where everything on each live layer without a history is now; gives how many layers."""
    at = (now or timezone.now()).replace(microsecond=0)
    noted = 0
    for service, layer in declared(Layer):
        if not layer.live or layer.history or layer.events or layer.kind != "point":
            continue
        answers = read(service, layer)
        if not isinstance(answers, Held) or not 0 < len(answers.table) <= TRAIL_MOST:
            continue
        trail = Trail(layer=f"{service.slug}/{layer.slug}", at=at, places=_places(answers.table))
        Trail.objects.bulk_create([trail], ignore_conflicts=True)
        noted += 1
    return noted


def _places(table: Table) -> dict[str, Any]:
    names = [name for name in table.columns if name not in NOT_KEPT]
    made = {}
    for row in range(len(table)):
        values = {name: table.columns[name].at(row) for name in names}
        identity = values.pop("id", None) or table.identity(row)
        made[str(identity)] = [round(float(table.lon[row]), 5), round(float(table.lat[row]), 5), values]
    return made


def run(stop: threading.Event) -> None:
    """Keeps trails until it is told to stop (manifest `Runner`, in the worker)."""
    look_every(EVERY_S, "the map's trails", _keep_or_say, stop)


def _keep_or_say() -> None:
    try:
        keep_trails()
    except Error:
        raise
    except Exception:
        log.exception("no trail was kept")


def forget_trails() -> None:
    """Removes trails older than KEPT."""
    Trail.objects.filter(at__lt=timezone.now() - KEPT).delete()
