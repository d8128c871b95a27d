"""A trip as it goes now: its calls by the timetable, beside them what is expected of each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from django.utils import timezone

from cityhall.services.transit import days, timetables
from cityhall.services.transit.models import TripPrediction, VehicleState
from cityhall.services.transit.modes import mode_of
from cityhall.services.transit.queries import FRESH

SURE_S, WIDER = 60, 0.12
"""Half the interval around an arrival that is only timetable plus delay: a minute, and a share of the time to go."""
Key = tuple[date, str]


@dataclass(frozen=True, slots=True)
class Live:
    """What is known of a trip under way. Either may be missing: a bus not yet matched, a trip not yet begun."""

    state: VehicleState | None = None
    prediction: TripPrediction | None = None

    @property
    def vehicle(self) -> str:
        """The vehicle's public id, "" where none is known."""
        if self.state is not None:
            return self.state.vehicle.public_id
        return self.prediction.vehicle if self.prediction else ""


NOTHING = Live()


@dataclass(frozen=True, slots=True)
class Call:
    """A trip's call at a stop. `arrival` and `departure` are as expected, `low` to `high` where predicted."""

    sequence: int
    stop: int
    scheduled_arrival: datetime
    scheduled_departure: datetime
    arrival: datetime
    departure: datetime
    low: datetime | None = None
    high: datetime | None = None
    passed: bool = False

    @property
    def predicted(self) -> bool:
        """Whether the times are more than the timetable."""
        return self.low is not None

    @property
    def delay_s(self) -> int | None:
        """Seconds late at the departure; None where nothing live is known."""
        if not self.predicted:
            return None
        return round((self.departure - self.scheduled_departure).total_seconds())


@dataclass(frozen=True, slots=True)
class DatedTrip:
    """A trip of one service day, as it is now. `row` is its place in the schedule's arrays."""

    row: int
    day: date
    live: Live = field(default=NOTHING)

    @property
    def id(self) -> str:
        return timetables.service().schedule.trips.id[self.row]

    @property
    def route(self) -> int:
        return int(timetables.service().schedule.trips.route[self.row])

    @property
    def line(self) -> str:
        return timetables.service().line(self.route)

    @property
    def line_id(self) -> str:
        return timetables.service().schedule.routes.id[self.route]

    @property
    def color(self) -> str:
        return timetables.service().schedule.routes.color[self.route]

    @property
    def text_color(self) -> str:
        return timetables.service().schedule.routes.text_color[self.route]

    @property
    def mode(self) -> str:
        return mode_of(int(timetables.service().schedule.routes.type[self.route]))

    @property
    def direction(self) -> int:
        return int(timetables.service().schedule.trips.direction[self.row])

    @property
    def by_headway(self) -> bool:
        """Whether it keeps a distance to the next one and no times, so that it is neither late nor early."""
        return is_by_headway(self.id)

    @property
    def wheelchair(self) -> int:
        """GTFS wheelchair_accessible: 0 not known, 1 yes, 2 no; the vehicle's own answer where it has one."""
        state = self.live.state
        if state is not None and state.vehicle.wheelchair is not None:
            return 1 if state.vehicle.wheelchair else 2
        return int(timetables.service().schedule.trips.wheelchair[self.row])

    @property
    def headsign(self) -> str:
        return timetables.service().headsign(self.row)

    def __len__(self) -> int:
        first = timetables.service().schedule.trips.first
        return int(first[self.row + 1] - first[self.row])

    def call(self, sequence: int) -> Call:
        """The call at a place of the trip, from 0. Raises IndexError beyond its last."""
        schedule = timetables.service().schedule
        if not 0 <= sequence < len(self):
            raise IndexError(sequence)
        at = int(schedule.trips.first[self.row]) + sequence
        stop = int(schedule.stop_times.stop[at])
        planned = (
            days.clock(self.day, int(schedule.stop_times.arrival[at])),
            days.clock(self.day, int(schedule.stop_times.departure[at])),
        )
        prediction, state = self.live.prediction, self.live.state
        if prediction is not None:
            place = sequence - prediction.first_sequence
            if place < 0:
                return Call(sequence, stop, *planned, *planned, passed=True)
            if place < len(prediction.arrival):
                return Call(sequence, stop, *planned, *_predicted(prediction, place))
        if state is not None and state.next_sequence is not None and sequence < state.next_sequence:
            return Call(sequence, stop, *planned, *planned, passed=True)
        if state is not None and state.delay_s is not None and prediction is None:
            return _delayed(sequence, stop, planned, state.delay_s)
        return Call(sequence, stop, *planned, *planned)

    def calls(self, first: int = 0) -> list[Call]:
        """Every call from a place on."""
        return [self.call(sequence) for sequence in range(max(0, first), len(self))]

    def stops_away(self, sequence: int) -> int | None:
        """How many stops the bus still calls at before this one; None where that cannot be told."""
        state = self.live.state
        if state is None or state.next_sequence is None or sequence < state.next_sequence:
            return None
        return sequence - state.next_sequence


def _predicted(prediction: TripPrediction, place: int) -> tuple[datetime, datetime, datetime, datetime]:
    columns = (prediction.arrival, prediction.departure, prediction.low, prediction.high)
    arrival, departure, low, high = (days.here(datetime.fromtimestamp(column[place], UTC)) for column in columns)
    return arrival, departure, low, high


def _delayed(sequence: int, stop: int, planned: tuple[datetime, datetime], delay_s: int) -> Call:
    """Timetable plus the present delay, for a trip that no prediction was made of; the further off, the less sure.

    A bus that is early waits for its time at most of the stops that have one: it is not taken to leave early.
    """
    late = timedelta(seconds=max(delay_s, 0))
    arrival, departure = planned[0] + late, planned[1] + late
    to_go = max(0.0, (arrival - timezone.now()).total_seconds())
    half = timedelta(seconds=SURE_S + WIDER * to_go)
    return Call(sequence, stop, *planned, arrival, departure, arrival - half, arrival + half)


def is_by_headway(trip_id: str) -> bool:
    """Whether a trip is a departure of frequencies.txt, which the reader names so."""
    return "@" in trip_id


def row_of(trip_id: str) -> int | None:
    """A trip's place in the schedule's arrays; None for one that the feed in service does not have."""
    return timetables.service().trip_rows.get(trip_id)


def live_of(keys: Iterable[Key], now: datetime) -> dict[Key, Live]:
    """What is known now of trips by (service day, GTFS id); one that nothing is known of is left out.

    Nothing a special-school bus does is ever in it.
    """
    wanted = set(keys)
    trips = {trip for _day, trip in wanted}
    if not trips:
        return {}
    fresh = now - FRESH
    predictions = TripPrediction.objects.public().filter(trip__in=trips, made_at__gte=fresh)
    states = VehicleState.objects.public().filter(trip__in=trips, at__gte=fresh).select_related("vehicle")
    by_day = {(one.service_day, one.trip): one for one in predictions}
    today = days.here(now).date()
    seen = {(one.service_day or today, one.trip): one for one in states}
    found = {key: _live(seen.get(key), by_day.get(key)) for key in wanted}
    return {key: live for key, live in found.items() if live.state or live.prediction}


def _live(state: VehicleState | None, prediction: TripPrediction | None) -> Live:
    """What was reckoned of another vehicle than now drives the trip says nothing of it."""
    if state and prediction and prediction.vehicle not in ("", state.vehicle.public_id):
        prediction = None
    return Live(state, prediction)


def find_trip(trip_id: str, day: date, now: datetime) -> DatedTrip | None:
    """A trip of a service day with what is known of it; None for one not in the feed in service."""
    row = row_of(trip_id)
    if row is None:
        return None
    return DatedTrip(row, day, live_of([(day, trip_id)], now).get((day, trip_id), NOTHING))


def trip_of(state: VehicleState, now: datetime) -> DatedTrip | None:
    """The trip a vehicle is on; None where it is on none that the feed has."""
    return trips_of([state], now).get(state.pk)


def trips_of(states: Sequence[VehicleState], now: datetime) -> dict[int, DatedTrip]:
    """The trips that vehicles are on, by their states' keys; one query, however many. Who is on none is left out."""
    today = days.here(now).date()
    predictions = TripPrediction.objects.filter(
        trip__in={state.trip for state in states if state.trip}, made_at__gte=now - FRESH
    )
    expected = {(one.service_day, one.trip, one.vehicle): one for one in predictions}
    found = {}
    for state in states:
        row = row_of(state.trip) if state.trip else None
        if row is not None:
            day = state.service_day or today
            found[state.pk] = DatedTrip(row, day, Live(state, expected.get((day, state.trip, state.vehicle.public_id))))
    return found


def stop_name(row: int) -> str:
    """A stop's name by its place in the schedule's arrays."""
    return timetables.service().schedule.stops.name[row]
