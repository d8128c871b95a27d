"""A journey beside what is going on: expected times, connections that may break, and what to do now.

A pure reading of an itinerary (see itinerary.py) against the trips as they go; nothing is written here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from cityhall.services.transit.itinerary import Itinerary, Leg, RideLeg, WalkLeg
from cityhall.services.transit.riders.notices import cancelled_trips
from cityhall.services.transit.riders.trips import NOTHING, Call, DatedTrip, Key, Live, live_of, row_of

SPARE = timedelta(seconds=60)
"""One should be at the stop this long before the bus."""
BOARDED = timedelta(seconds=30)
Risk = Literal["", "tight", "missed", "cancelled"]
Step = Literal["leave", "walk", "wait", "ride", "alight", "arrived"]


@dataclass(frozen=True, slots=True)
class LegNow:
    """A leg with planned and expected times. `risk` is of catching it: its connection may be tight, missed, or it is
    cancelled.
    """

    leg: Leg
    planned_departure: datetime
    planned_arrival: datetime
    departure: datetime
    arrival: datetime
    trip: DatedTrip | None = None
    boarding: Call | None = None
    alighting: Call | None = None
    risk: Risk = ""

    @property
    def minutes(self) -> int:
        """Minutes on the way, one at least."""
        return max(1, round((self.arrival - self.departure).total_seconds() / 60))

    @property
    def live(self) -> bool:
        """Whether something is known beyond the timetable."""
        return self.trip is not None and self.trip.live is not NOTHING

    @property
    def delay_s(self) -> int:
        """Seconds that the departure is expected after the plan."""
        return round((self.departure - self.planned_departure).total_seconds())

    @property
    def by_headway(self) -> bool:
        """Whether it has no times of its own to be late by."""
        return self.trip is not None and self.trip.by_headway

    @property
    def stops_away(self) -> int | None:
        if self.trip is None or self.boarding is None:
            return None
        return self.trip.stops_away(self.boarding.sequence)


@dataclass(frozen=True, slots=True)
class Progress:
    """A journey now. `leave_at` is when to set out to be safe, `latest_at` when at the latest if nothing goes faster
    than expected; `at` is the place of the leg under way or next, `broken` that of the first ride not caught."""

    legs: list[LegNow]
    leave_at: datetime
    latest_at: datetime
    arrival: datetime
    step: Step
    at: int
    broken: int | None = None

    @property
    def first_ride(self) -> LegNow | None:
        return next((leg for leg in self.legs if leg.trip is not None), None)

    @property
    def broken_leg(self) -> LegNow | None:
        return self.legs[self.broken] if self.broken is not None else None

    @property
    def live(self) -> bool:
        return any(leg.live for leg in self.legs)

    @property
    def tight(self) -> bool:
        return any(leg.risk == "tight" for leg in self.legs)


def _trip_key(leg: RideLeg) -> Key:
    return leg.service_day, leg.trip_id


def progress_all(itineraries: Sequence[Itinerary], now: datetime) -> list[Progress]:
    """Each of several journeys as it goes now, with two queries for all."""
    keys = [_trip_key(leg) for one in itineraries for leg in one.rides]
    live, gone = live_of(keys, now), cancelled_trips(keys)
    return [_progress(one.legs, live, gone, now) for one in itineraries]


def progress_of(itinerary: Itinerary, now: datetime) -> Progress:
    """A journey as it goes now."""
    return progress_all([itinerary], now)[0]


def _progress(legs: Sequence[Leg], live: dict[Key, Live], gone: set[Key], now: datetime) -> Progress:
    done: list[LegNow] = []
    for leg in legs:
        done.append(_ride(leg, done, live, gone) if isinstance(leg, RideLeg) else _walk(leg, done))
    broken = next((place for place, leg in enumerate(done) if leg.risk in ("missed", "cancelled")), None)
    if broken is not None and done[broken].risk == "missed" and done[broken].arrival < now:
        broken = None  # It is past: they did catch it, or have long gone another way.
    leave_at, latest_at = _leave_at(done)
    if done[0].trip is None and len(done) > 1:
        done[0] = replace(done[0], departure=leave_at, arrival=leave_at + (done[0].arrival - done[0].departure))
    step, at = _step(done, leave_at, now)
    return Progress(done, leave_at, latest_at, done[-1].arrival, step, at, broken)


def _walk(leg: WalkLeg, before: list[LegNow]) -> LegNow:
    planned = leg.departure, leg.arrival
    took = planned[1] - planned[0]
    if not before:
        return LegNow(leg, *planned, *planned)
    start = before[-1].arrival
    return LegNow(leg, *planned, start, start + took)


def _ride(leg: RideLeg, before: list[LegNow], live: dict[Key, Live], gone: set[Key]) -> LegNow:
    planned = leg.departure, leg.arrival
    key = _trip_key(leg)
    row = row_of(leg.trip_id)
    if row is None:
        return LegNow(leg, *planned, *planned)
    trip = DatedTrip(row, key[0], live.get(key, NOTHING))
    try:
        boarding, alighting = trip.call(leg.from_sequence), trip.call(leg.to_sequence)
    except IndexError:  # A new timetable: the trip is another now.
        return LegNow(leg, *planned, *planned)
    risk: Risk = "cancelled" if key in gone else _risk(boarding, before)
    scheduled = boarding.scheduled_departure, alighting.scheduled_arrival
    return LegNow(leg, *scheduled, boarding.departure, alighting.arrival, trip, boarding, alighting, risk)


def _risk(boarding: Call, before: list[LegNow]) -> Risk:
    """Whether the ride is caught coming from the ride before; the first ride's catching is the rider's own doing."""
    ride = next((leg for leg in reversed(before) if leg.trip is not None), None)
    if ride is None or ride.alighting is None:
        return ""
    ready = before[-1].arrival
    if ready > boarding.departure:
        return "missed"
    late = (ride.alighting.high - ride.alighting.arrival) if ride.alighting.high else timedelta()
    soon = (boarding.departure - boarding.low) if boarding.low else timedelta()
    return "tight" if ready + late > boarding.departure - soon else ""


def _leave_at(legs: list[LegNow]) -> tuple[datetime, datetime]:
    """When to set out to be safe, for the earliest the first bus may leave, and the latest that may still do."""
    way = timedelta()
    for leg in legs:
        if leg.boarding is not None:
            spare = SPARE if way else timedelta()
            early = min(leg.boarding.low or leg.departure, leg.departure)
            return early - way - spare, leg.departure - way
        way += leg.arrival - leg.departure
    return legs[0].departure, legs[0].departure


def _step(legs: list[LegNow], leave_at: datetime, now: datetime) -> tuple[Step, int]:
    if now < leave_at:
        return "leave", 0
    for place, leg in enumerate(legs):
        if leg.trip is None:
            if now < leg.arrival:
                return "walk", place
        elif now < leg.departure + BOARDED:
            return "wait", place
        elif now < leg.arrival:
            return ("alight" if _next_is_last(leg, now) else "ride"), place
    return "arrived", len(legs) - 1


def _next_is_last(leg: LegNow, now: datetime) -> bool:
    """Whether the stop to get off at is the next one."""
    assert leg.trip is not None and leg.alighting is not None
    away = leg.trip.stops_away(leg.alighting.sequence)
    if away is not None:
        return away == 0
    before = leg.trip.call(leg.alighting.sequence - 1)
    return now >= before.departure
