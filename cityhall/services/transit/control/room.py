"""The watch itself: looks at the fleet every two seconds, keeps episodes, adds the day up, tells the fleet room."""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

import psycopg
from django.db import Error, connection, transaction

from cityhall.kernel import clock
from cityhall.kernel.database.alone import alone
from cityhall.kernel.errors import CityhallError
from cityhall.kernel.live import publish
from cityhall.services.transit import days
from cityhall.services.transit.control import board, episodes
from cityhall.services.transit.control.episodes import Ledger
from cityhall.services.transit.control.watch import Memory, Seen, look
from cityhall.services.transit.models import VehicleState

EVERY_S = 2.0
REST = 3.0
"""Between two looks it rests this many times as long as a look takes."""
TALLY_S = 30.0
LOCK = 0x666C_6565
TOPIC = "fleet-room"
log = logging.getLogger("cityhall.transit.fleet_room")

_ADD = """
INSERT INTO transit_daytally AS t (service_day, route, what, amount)
SELECT * FROM unnest(%s::date[], %s::text[], %s::text[], %s::float8[]) AS x (service_day, route, what, amount)
ORDER BY 1, 2, 3
ON CONFLICT (service_day, route, what) DO UPDATE SET amount = t.amount + excluded.amount
"""


@dataclass
class Room:
    """What the watch has in mind from look to look."""

    ledger: Ledger
    memory: Memory = field(default_factory=Memory)
    shown: dict[str, dict[str, Any]] = field(default_factory=dict)
    counted: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    tally: defaultdict[tuple[date, str, str], float] = field(default_factory=lambda: defaultdict(float))
    tallied: float = 0.0


def run(stop: threading.Event) -> None:
    """Watches until `stop`, as soon as no other process of the city does."""
    while not stop.is_set():
        try:
            alone("the fleet room", LOCK, partial(_watch, stop), stop)
        except CityhallError as problem:
            log.error("the fleet room does not watch: %s", problem)
            stop.wait(30)


def _watch(stop: threading.Event, holding: psycopg.Connection[tuple[object, ...]]) -> Iterator[None]:
    room = Room(Ledger.load())
    while not stop.is_set():
        began = time.monotonic()
        step(room, clock.time())
        holding.execute("SELECT 1")  # the lock is only ours while its connection lives
        yield
        # A look at thousands of vehicles takes longer; it must not take the machine from what they send.
        spent = time.monotonic() - began
        stop.wait(max(EVERY_S - spent, REST * spent))


def step(room: Room, now: float) -> int:
    """Looks once; gives how many episodes began or ended."""
    at = datetime.fromtimestamp(now, UTC)
    states = board.states_now(at)
    looked = board.seen(states, at)
    try:
        with transaction.atomic():
            changed = episodes.settle(room.ledger, look(looked, now, room.memory), looked, now, board.line_names())
            _count(room, states, looked, now)
            _show(room, board.rows(states, looked, list(room.ledger.open.values()), at))
    except Error:
        # What is in mind may be ahead of what was kept.
        room.ledger = Ledger()
        room.ledger = Ledger.load()
        raise
    return len(changed)


def _show(room: Room, rows: list[board.Row]) -> None:
    """Publishes the rows that look different from before, and those that have gone."""
    features = {row.vehicle: row.feature() for row in rows}
    new = [feature for name, feature in features.items() if _differs(room.shown.get(name), feature)]
    gone = [
        {"type": "Feature", "id": name, "geometry": old["geometry"], "properties": {"id": name, "gone": True}}
        for name, old in room.shown.items()
        if name not in features
    ]
    room.shown = features
    if new or gone:
        publish(TOPIC, [*new, *gone])


def _differs(old: dict[str, Any] | None, new: dict[str, Any]) -> bool:
    return old is None or old["geometry"] != new["geometry"] or old["properties"] != new["properties"]


def _count(room: Room, states: list[VehicleState], looked: list[Seen], now: float) -> None:
    """Adds up the time between each vehicle's states, by class of fix, and how far it went."""
    day = days.today()
    for state, seen in zip(states, looked, strict=True):
        name, before = seen.vehicle, room.counted.get(seen.vehicle)
        room.counted[name] = (seen.at, seen.lon, seen.lat)
        if before is None or not 0 < seen.at - before[0] <= 30:
            continue
        span = seen.at - before[0]
        amounts: dict[str, float] = {"seen_s": span, f"fix_s:{state.fix_class}": span}
        if seen.trip and seen.speed == seen.speed:
            amounts |= {"moved_m": seen.speed * span, "moving_s": span}
        for what, amount in amounts.items():
            room.tally[day, seen.route, what] += amount
    if room.tally and now - room.tallied >= TALLY_S:
        keys = sorted(room.tally)
        columns: list[list[Any]] = [[key[index] for key in keys] for index in range(3)]
        with connection.cursor() as cursor:
            cursor.execute(_ADD, [*columns, [room.tally[key] for key in keys]])
        room.tally, room.tallied = defaultdict(float), now
