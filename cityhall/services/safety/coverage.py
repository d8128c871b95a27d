"""The picture of who is reached in time now, and which free unit had better wait elsewhere (`engines/coverage`).

One process of the city reckons it, beside all requests: when units become free or busy, at most every EVERY_S, and
every STALE_S because they drive.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import psycopg
from django.conf import settings
from django.db import Error
from django.utils import timezone

from cityhall.engines.streets import Snap, StreetGraph
from cityhall.kernel.database.alone import alone
from cityhall.kernel.places.point import Point
from cityhall.kernel.places.streets import streets
from cityhall.services.safety.choosing import BUSY
from cityhall.services.safety.demand import Demand, demand
from cityhall.services.safety.models import Coverage, Move, Unit
from cityhall.services.safety.roads import place_of

if TYPE_CHECKING:
    from cityhall.engines.coverage import Advice

WITHIN_S = 300.0
"""In time: five minutes by road."""
SHOWN_S = 900.0
"""What is further away from every unit is not told apart on the map."""
EVERY_S, STALE_S, LOOK_S = 10.0, 60.0, 2.0
DEMAND_S = 3600.0
"""Where help is needed is looked up anew so often."""
MOVES_AN_HOUR = 4
ASKED = timedelta(minutes=30)
"""A unit that did not want to move is not named again for so long."""
OPEN = (Move.State.OFFERED, Move.State.ACCEPTED)
LOCK = 0x636F_7665
log = logging.getLogger(__name__)


def moves_an_hour() -> int:
    """How many moves may be offered in an hour, as the city wants it."""
    return int(settings.CITY.options.get("safety", {}).get("moves_an_hour", MOVES_AN_HOUR))


@dataclass(frozen=True, slots=True)
class Post:
    """Where units may wait: a station of the register."""

    name: str
    point: Point
    snap: Snap | None


@dataclass(slots=True)
class Ground:
    """What changes seldom: the streets, the demand, when that was looked up."""

    graph: StreetGraph
    demand: Demand
    at: float


@dataclass(frozen=True, slots=True)
class Free:
    """A free unit: where it is, or where it is going by a move; `fixed`: it is not to be asked to move now."""

    unit: Unit
    snap: Snap
    going: Move | None
    fixed: bool


def run(stop: threading.Event) -> None:
    """Keeps the picture until `stop`, as soon as no other process of the city does (a Runner)."""
    while not stop.is_set():
        alone("the coverage", LOCK, partial(_watch, stop), stop)


def _watch(stop: threading.Event, holding: psycopg.Connection[tuple[object, ...]]) -> Iterator[None]:
    ground: Ground | None = None
    mark: object = None
    made = -STALE_S
    while not stop.is_set():
        gone = monotonic() - made
        if gone >= EVERY_S:
            now_mark = _mark()
            if now_mark != mark or gone >= STALE_S:
                mark, made = now_mark, monotonic()
                ground = _keep_safely(ground)
        holding.execute("SELECT 1")  # the lock is only ours while its connection lives
        yield
        stop.wait(LOOK_S)


def _keep_safely(ground: Ground | None) -> Ground | None:
    try:
        return keep(timezone.now(), ground)
    except Error:
        raise
    except Exception:
        # The picture grows old, which is told; the worker does everything else.
        log.exception("the coverage could not be reckoned")
        return None


def _mark() -> object:
    """Changes whenever a unit becomes free or busy, goes on duty or off, or is asked to move."""
    units = Unit.objects.filter(on_duty=True).exclude(assignments__state__in=BUSY)
    moves = Move.objects.order_by("-pk").values_list("pk", "state")[:20]
    return sorted(units.values_list("pk", flat=True)), list(moves)


def keep(now: datetime, ground: Ground | None = None) -> Ground | None:
    """Reckons the picture and keeps it; gives what changes seldom, for the next time."""
    graph = streets()
    if graph is None:
        Coverage.objects.update_or_create(pk=1, defaults=_empty(now) | {"why": Coverage.Why.STREETS})
        return None
    if ground is None or ground.graph is not graph or monotonic() - ground.at > DEMAND_S:
        ground = Ground(graph, demand(graph, now), monotonic())
    free = _free(graph, now)
    if not free:
        told = _empty(now) | {"why": Coverage.Why.UNITS, "residents": ground.demand.residents}
        Coverage.objects.update_or_create(pk=1, defaults=told)
    else:
        Coverage.objects.update_or_create(pk=1, defaults=_empty(now) | _picture(ground, free, now))
    return ground


def _empty(now: datetime) -> dict[str, object]:
    values = {"why": "", "share": 0.0, "residents": False, "free": 0, "cells": [], "share_then": 0.0, "capped": False}
    return {**values, "made_at": now, "unit": None, "post": "", "point": None, "seconds": None, "gain": 0.0}


def _free(graph: StreetGraph, now: datetime) -> list[Free]:
    units = Unit.objects.filter(on_duty=True).exclude(assignments__state__in=BUSY).select_related("vehicle__state")
    moves = {one.unit_id: one for one in Move.objects.filter(state__in=OPEN)}
    asked = Move.objects.filter(state__in=("refused", "lapsed"), answered_at__gte=now - ASKED)
    unwilling = set(asked.values_list("unit_id", flat=True))
    placed = [(unit, place) for unit in units if (place := place_of(unit, now)[0]) is not None]
    lon, lat = np.array([place for _unit, place in placed]).reshape(-1, 2).T
    snaps = graph.network("drive").snap_all(lon, lat)
    return [
        Free(unit, snap, moves.get(unit.pk), unit.pk in moves or unit.pk in unwilling)
        for (unit, _place), snap in zip(placed, snaps, strict=True)
        if snap is not None
    ]


def _posts(graph: StreetGraph) -> list[Post]:
    """The stations of the register, each once, named by the units whose they are."""
    at: dict[tuple[float, float], list[Unit]] = {}
    for unit in Unit.objects.filter(station__isnull=False).order_by("name"):
        if unit.station is not None:
            at.setdefault((round(unit.station.lon, 4), round(unit.station.lat, 4)), []).append(unit)
    places = [units[0].station for units in at.values() if units[0].station is not None]
    lon, lat = np.array(places).reshape(-1, 2).T
    names = [", ".join(unit.name for unit in units)[:100] for units in at.values()]
    snaps = graph.network("drive").snap_all(lon, lat)
    return [Post(name, place, snap) for name, place, snap in zip(names, places, snaps, strict=True)]


def _picture(ground: Ground, free: list[Free], now: datetime) -> dict[str, object]:
    from cityhall.engines.coverage import picture

    network, need = ground.graph.network("drive"), ground.demand
    seconds = np.array([network.one_to_many(one.snap, need.snaps, SHOWN_S) for one in free])
    seen = picture(seconds, need.share, WITHIN_S)
    posts = [post for post in _posts(ground.graph) if post.snap is not None]
    reach = np.array([network.one_to_many(post.snap, need.snaps, WITHIN_S) for post in posts if post.snap])
    reach = reach.reshape(len(posts), len(need.cells))
    ways = np.array([network.one_to_many(one.snap, [post.snap for post in posts], 3600.0) for one in free])
    ways = ways.reshape(len(free), len(posts))
    advice = _advice(need, free, posts, seconds, reach, ways, now)
    told: dict[str, object] = {
        "share": seen.share,
        "residents": need.residents,
        "free": len(free),
        "cells": [
            [cell, round(share, 6), round(first) if np.isfinite(first) else None]
            for cell, share, first in zip(need.cells, need.share.tolist(), seen.seconds.tolist(), strict=True)
        ],
        "capped": advice.reason == "cap",
    }
    if advice.unit < 0:
        return told
    moved = seconds.copy()
    moved[advice.unit] = reach[advice.station]
    return told | {
        "unit": free[advice.unit].unit,
        "post": posts[advice.station].name,
        "point": posts[advice.station].point,
        "seconds": float(ways[advice.unit, advice.station]),
        "gain": advice.gain,
        "share_then": picture(moved, need.share, WITHIN_S).share,
    }


def _advice(
    need: Demand,
    free: Sequence[Free],
    posts: Sequence[Post],
    seconds: npt.NDArray[np.float64],
    reach: npt.NDArray[np.float64],
    ways: npt.NDArray[np.float64],
    now: datetime,
) -> Advice:
    """The move that is worth it. Stations are the posts, and then for each unit where it stands now."""
    from cityhall.engines.coverage import Cap, move
    from cityhall.engines.coverage import Ground as Stations

    units, count = len(free), len(posts)
    at = np.arange(count, count + units)
    rest = np.zeros(units)
    way = np.full((units, count + units), np.inf)
    way[:, :count] = ways
    for row, one in enumerate(free):
        target = _row_of(posts, one.going)
        if one.going is not None and one.going.state == Move.State.ACCEPTED and target >= 0:
            # It counts where it is going; until it is there, the less the further that is.
            at[row], rest[row] = target, min(float(ways[row, target]), 3600.0)
        if one.fixed:
            way[row] = np.inf
    # Lying in memory as what was compiled before takes it (`engines/ready.py`).
    cover = np.ascontiguousarray(np.vstack([reach <= WITHIN_S, seconds <= WITHIN_S]).T)
    room = np.concatenate([np.full(count, units), np.ones(units)]).astype(np.int64)
    hour = Move.objects.filter(offered_at__gt=now - timedelta(hours=1)).order_by("offered_at")
    begun = deque(moment.timestamp() for moment in hour.values_list("offered_at", flat=True))
    cap = Cap(moves_an_hour(), begun)
    return move(Stations(cover, need.share, room), at.astype(np.int64), rest, way, now=now.timestamp(), cap=cap)


def _row_of(posts: Sequence[Post], going: Move | None) -> int:
    return next((row for row, post in enumerate(posts) if going is not None and post.point == going.point), -1)
