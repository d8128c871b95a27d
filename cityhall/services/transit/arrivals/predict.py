"""Keeps the predictions up to date: a round every few seconds, over all vehicles on a trip, in one process of the city.

Each round reads the vehicles' states, predicts every call left of their trips and the next trips of their blocks,
writes what has changed by one statement and tells whoever watches the topic "arrivals".
"""

from __future__ import annotations

import threading
import time
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import psycopg
from django.db import connection, transaction

from cityhall.engines.arrivals import Calls, Predictor
from cityhall.kernel import clock, derived
from cityhall.kernel.database.alone import alone
from cityhall.kernel.errors import Unavailable
from cityhall.kernel.live import publish
from cityhall.services.transit import timetables
from cityhall.services.transit.arrivals import fleet, learn
from cityhall.services.transit.models import VehicleState

EVERY_S = 5.0
LOCK = 0x6172_7269
TOPIC = "arrivals"
HEARD = timedelta(minutes=5)
"""A vehicle silent for longer is not predicted: nobody knows where it is."""
KEPT = timedelta(seconds=90)
"""Predictions not renewed for this long are over; one that has not changed is renewed after a third of it."""
LAYOVER_S = 120.0
"""The least that a vehicle stands at a terminal between two trips."""
SAME_S = 3
"""Predictions that differ by no more are not written again."""
TOLD_S = 10
"""Nor are watchers told of what differs by no more than this."""
SOON_S = 1800
"""Watchers are told of calls within this time."""

Key = tuple[date, str]
_WRITE = """
INSERT INTO transit_tripprediction
    (service_day, trip, route, vehicle, first_sequence, arrival, departure, low, high, made_at)
SELECT service_day, trip, route, vehicle, first_sequence, arrival, departure, low, high, %s
FROM jsonb_to_recordset(%s) AS made (service_day date, trip text, route text, vehicle text, first_sequence int,
    arrival bigint[], departure bigint[], low bigint[], high bigint[])
ON CONFLICT (service_day, trip) DO UPDATE SET route = excluded.route, vehicle = excluded.vehicle,
    first_sequence = excluded.first_sequence, arrival = excluded.arrival, departure = excluded.departure,
    low = excluded.low, high = excluded.high, made_at = excluded.made_at
"""


def run(stop: threading.Event) -> None:
    """Predicts until `stop`, as soon as no other process of the city does."""
    alone("the arrivals' prediction", LOCK, partial(_predict, stop), stop)


def _predict(stop: threading.Event, holding: psycopg.Connection[tuple[object, ...]]) -> Iterator[None]:
    rounds = Rounds()
    while not stop.is_set():
        began = time.monotonic()
        # Asked on the connection that holds the lock: where that is lost, another process may predict by now.
        holding.execute("SELECT 1")
        rounds.step(clock.now())
        yield
        stop.wait(max(0.0, EVERY_S - (time.monotonic() - began)))


@dataclass
class Written:
    """What was last written of a trip, and the arrivals that watchers were last told."""

    first: int
    arrival: np.ndarray
    vehicle: str
    at: datetime
    told: np.ndarray


@dataclass
class Rounds:
    """What one process remembers from round to round. A new one starts from the states alone."""

    predictor: Predictor | None = None
    made_of: tuple[Path, Path | None] | None = None
    written: dict[Key, Written] = field(default_factory=dict)

    def step(self, now: datetime) -> int:
        """One round; gives how many trips are predicted."""
        try:
            folder = timetables.service().folder
        except Unavailable:
            return 0
        predictor = self._predictor(folder)
        found, seen = fleet.seen_now(_states(now), folder)
        made = dict(_made(predictor, folder, found, seen, now))
        changed = {key: row for key, row in made.items() if self._differs(key, row, now)}
        over = [key for key in self.written if key not in made]
        with transaction.atomic(), connection.cursor() as cursor:
            if changed:
                cursor.execute(
                    _WRITE, [now, orjson.dumps(list(changed.values()), option=orjson.OPT_SERIALIZE_NUMPY).decode()]
                )
            cursor.execute("DELETE FROM transit_tripprediction WHERE made_at < %s", [now - KEPT])
            if over:
                cursor.execute(
                    "DELETE FROM transit_tripprediction USING unnest(%s::date[], %s::text[]) AS gone (day, name) "
                    "WHERE service_day = gone.day AND trip = gone.name",
                    [[day for day, _ in over], [trip for _, trip in over]],
                )
            told = [self._news(key, row, now) for key, row in changed.items()]
            news = [one for one in told if one] + [{"day": f"{day}", "trip": trip, "over": True} for day, trip in over]
            if news:
                publish(TOPIC, news)
        self._remember(changed, over, now)
        return len(made)

    def _predictor(self, folder: Path) -> Predictor:
        """The predictor of the timetable and the model in use, made anew where either has changed."""
        made_of = (folder, derived.current(learn.KIND))
        if self.predictor is None or self.made_of is None or self.made_of[0] != folder:
            self.predictor = Predictor(learn.model(), fleet.trips_of(folder))
        elif self.made_of != made_of:
            self.predictor = self.predictor.renewed(learn.model())
        self.made_of = made_of
        return self.predictor

    def _differs(self, key: Key, row: dict[str, Any], now: datetime) -> bool:
        last = self.written.get(key)
        return (
            last is None
            or last.first != row["first_sequence"]
            or last.vehicle != row["vehicle"]
            or now - last.at > KEPT / 3
            or bool((np.abs(last.arrival - row["arrival"]) > SAME_S).any())
        )

    def _news(self, key: Key, row: dict[str, Any], now: datetime) -> dict[str, Any] | None:
        """What watchers are told of a trip: its next arrivals (Unix s); None where nothing worth it has changed."""
        last, first, arrival = self.written.get(key), row["first_sequence"], row["arrival"]
        if last is not None and last.vehicle == row["vehicle"] and first >= last.first:
            before = last.told[first - last.first :]
            if before.size == arrival.size and bool((np.abs(before - arrival) <= TOLD_S).all()):
                return None
        soon = int(np.searchsorted(arrival, now.timestamp() + SOON_S, side="right"))
        return {
            "day": row["service_day"],
            "trip": row["trip"],
            "vehicle": row["vehicle"],
            "first": first,
            "arrival": arrival[:soon].tolist(),
        }

    def _remember(self, changed: dict[Key, dict[str, Any]], over: list[Key], now: datetime) -> None:
        for key in over:
            del self.written[key]
        for key, row in changed.items():
            last, first, arrival = self.written.get(key), row["first_sequence"], row["arrival"]
            told = arrival
            if last is not None and first >= last.first:
                before = last.told[first - last.first :]
                if before.size == arrival.size and bool((np.abs(before - arrival) <= TOLD_S).all()):
                    told = before
            self.written[key] = Written(first, arrival, row["vehicle"], now, told)


def _states(now: datetime) -> Iterator[VehicleState]:
    """States of vehicles on a trip, heard of lately, that the public may see."""
    yield from (
        VehicleState.objects.public()
        .filter(at__gte=now - HEARD)
        .exclude(trip="")
        .exclude(status=VehicleState.Status.LOST)
        .select_related("vehicle")
        .defer("memory")
        .order_by("at")
    )


def _made(
    predictor: Predictor, folder: Path, found: list[VehicleState], seen: Any, now: datetime
) -> Iterator[tuple[Key, dict[str, Any]]]:
    """The predictions of every trip under way, and of the next of its block where no vehicle is on that yet."""
    if not found:
        return
    at = now.timestamp()
    runs: list[Hashable] = [(state.service_day, state.trip, state.vehicle.public_id) for state in found]
    calls = predictor.look(runs, seen, at)
    trips = timetables.service().schedule.trips
    days = [date.fromordinal(day) for day in seen.day.tolist()]
    under_way = {(day, trips.id[row]) for day, row in zip(days, seen.trip.tolist(), strict=True)}
    after = np.array([fleet.following(folder, day)[row] for day, row in zip(days, seen.trip.tolist(), strict=True)])
    for vehicle, state in enumerate(found):
        if calls.first[vehicle + 1] > calls.first[vehicle]:
            key = days[vehicle], state.trip
            yield key, _row(key, state, calls, vehicle, folder)
    again = [
        vehicle
        for vehicle in np.flatnonzero((after >= 0) & (np.diff(calls.first) > 0)).tolist()
        if (days[vehicle], trips.id[after[vehicle]]) not in under_way
    ]
    rows = np.array(again, np.int64)
    following = predictor.onwards(
        *(after[rows], seen.midnight[rows], seen.kind[rows], calls, rows), layover_s=LAYOVER_S
    )
    for number, vehicle in enumerate(again):
        key = days[vehicle], trips.id[after[vehicle]]
        yield key, _row(key, found[vehicle], following, number, folder)


def _row(key: Key, state: VehicleState, calls: Calls, number: int, folder: Path) -> dict[str, Any]:
    schedule = timetables.service().schedule
    rows = slice(int(calls.first[number]), int(calls.first[number + 1]))
    route = int(schedule.trips.route[timetables.service().trip_rows[key[1]]])
    return {
        "service_day": key[0].isoformat(),
        "trip": key[1],
        "route": schedule.routes.id[route],
        "vehicle": state.vehicle.public_id,
        "first_sequence": int(calls.call[rows.start]),
        **{
            name: np.rint(getattr(calls, name)[rows]).astype(np.int64)
            for name in ("arrival", "departure", "low", "high")
        },
    }
