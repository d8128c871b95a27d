"""The simulated fleet drives as one could, and says what one would."""

from __future__ import annotations

import itertools
import math
import random
import socket
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from cityhall.engines.gnss import Epochs
from cityhall.engines.gnss.nmea import content_of
from cityhall.engines.gtfs import Schedule
from cityhall.simulator.course import METRES_A_DEGREE
from cityhall.simulator.doors import Receivers, nmea
from cityhall.simulator.fleet import Fleet
from cityhall.simulator.incidents import happen
from cityhall.simulator.receiver import RTK_FIXED, SINGLE, Receiver
from cityhall.simulator.roster import Roster
from cityhall.simulator.signing import Signer, key_bytes, sign

ZONE = ZoneInfo("Atlantic/Azores")
TUESDAY = date(2026, 11, 24)


def moment(hour: float, day: date = TUESDAY) -> float:
    return datetime(day.year, day.month, day.day, tzinfo=ZONE).timestamp() + hour * 3600


def metres(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    east = (other[0] - one[0]) * math.cos(math.radians(one[1]))
    return math.hypot(east, other[1] - one[1]) * METRES_A_DEGREE


def test_no_vehicle_is_in_two_places(schedule: Schedule) -> None:
    roster = Roster(schedule)
    busy: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for back in range(8):
        day = TUESDAY + timedelta(days=back)
        driven = set()
        for run in roster.runs(day):
            start, end = roster.span[run.trips[0], 0], roster.span[run.trips[-1], 1]
            busy[run.vehicle].append((moment(0, day) + start, moment(0, day) + end))
            assert all(roster.span[b, 0] >= roster.span[a, 1] for a, b in zip(run.trips, run.trips[1:], strict=False))
            driven |= set(run.trips)
        active = schedule.services.on(day)
        runs = active[schedule.trips.service]
        assert driven == {row for row, name in enumerate(schedule.trips.id) if runs[row] and "@" not in name}
    for spans in busy.values():
        spans.sort()
        assert all(after[0] >= before[1] for before, after in itertools.pairwise(spans))
    kinds = Counter(vehicle.kind for vehicle in roster.vehicles)
    assert set(busy) <= {vehicle.id for vehicle in roster.vehicles} and kinds["school"] == 4 and kinds["shuttle"] >= 4


@pytest.mark.parametrize(("hour", "speed"), [(8.0, 1.0), (17.5, 60.0), (23.95, 1.0)])
def test_motion_is_possible_at_whatever_speed_the_day_goes_by(schedule: Schedule, hour: float, speed: float) -> None:
    now = moment(hour)
    fleet = Fleet(schedule, now, speed=speed)
    places: dict[str, tuple[float, float]] = {}
    speeds: dict[str, float] = {}
    for _second in range(300):
        now += 1
        messages = fleet.step(now)
        assert len({message["vehicle"] for message in messages}) == len(messages)
        assert all(message["at"] == round(now, 3) and message["kind"] == "position" for message in messages)
        for bus in fleet.out():
            name, place = bus.vehicle.id, bus.place()[:2]
            if name in places:
                # 20 m/s is the worst of those who speed; a change of lane adds a little sideways.
                assert metres(places[name], place) <= 21.5, (name, bus.mode)
                assert -4.5 <= bus.speed - speeds[name] <= 4.1, (name, bus.mode)
            places[name], speeds[name] = place, bus.speed
        for name in set(places) - {bus.vehicle.id for bus in fleet.out()}:
            del places[name]
    assert len(places) > 10


def test_buses_keep_near_the_timetable_and_none_is_the_trip(schedule: Schedule) -> None:
    now = moment(9)
    fleet = Fleet(schedule, now)
    late: list[float] = []
    for second in range(1, 900):
        fleet.step(now + second)
        if second % 30 == 0:
            late += [
                now + second - bus.trip.departure[bus.stop]
                for bus in fleet.out()
                if bus.trip is not None and bus.vehicle.kind == "bus" and bus.mode == "dwelling"
            ]
    late.sort()
    assert -60 < late[len(late) // 2] < 180 and late[len(late) // 20] > -240
    assert not {bus.vehicle.id for bus in fleet.out()} & set(schedule.trips.id)


def test_some_say_little_and_school_buses_no_line(schedule: Schedule) -> None:
    now = moment(7.6)
    fleet = Fleet(schedule, now)
    said: dict[str, dict[str, object]] = {}
    for second in range(120):
        said |= {str(message["vehicle"]): message for message in fleet.step(now + second)}
    schools = [message for name, message in said.items() if name.startswith("S")]
    assert schools and not any("trip" in message or "line" in message for message in schools)
    others = [message for name, message in said.items() if not name.startswith("S")]
    silent = sum("trip" not in message for message in others)
    assert 0 < silent < len(others) / 3
    assert {message["fix_class"] for message in others} >= {1, 2, 4}
    assert all(message["trip"] in schedule.trips.id for message in others if "trip" in message)


@pytest.mark.parametrize("hour", [0.5, 3, 5, 12, 21, 23.9])
def test_at_any_hour_somebody_drives(schedule: Schedule, hour: float) -> None:
    for day in (TUESDAY, TUESDAY + timedelta(days=5)):
        fleet = Fleet(schedule, moment(hour, day))
        seen = {message["vehicle"] for second in range(20) for message in fleet.step(moment(hour, day) + second)}
        assert len(seen) >= 5


def test_a_machine_that_slept_goes_on_where_the_timetable_is(schedule: Schedule) -> None:
    fleet = Fleet(schedule, moment(8))
    fleet.step(moment(8) + 1)
    fleet.step(moment(14))
    fleet.step(moment(14) + 1)
    trips = [bus.trip for bus in fleet.out() if bus.trip is not None]
    assert len(trips) > 40
    assert all(trip.departure[0] - 600 < moment(14) < trip.arrival[-1] + 1500 for trip in trips)


def test_midnight_brings_the_next_day(schedule: Schedule) -> None:
    now = moment(23.98)
    fleet = Fleet(schedule, now)
    for second in range(0, 900, 5):
        fleet.step(now + second)
    days = {trip.id.split("-")[2] for trip in (bus.trip for bus in fleet.out()) if trip is not None and trip.id}
    assert days == {"weekday"} and len(fleet.out()) > 5


def test_a_shuttle_waits_as_it_is_told_but_not_for_ever(schedule: Schedule) -> None:
    now = moment(10)
    fleet = Fleet(schedule, now)
    held: dict[str, list[float]] = {}
    for second in range(1, 900):
        fleet.step(now + second)
        for bus in fleet.asking():
            if bus.vehicle.id == "C1":
                bus.hold_until = now + second + 1000
                held.setdefault(f"{bus.trip.id if bus.trip else ''} {bus.stop}", []).append(now + second)
    longest = max(times[-1] - times[0] for times in held.values())
    assert 150 <= longest < 260
    assert not any(bus.vehicle.kind == "bus" for bus in fleet.asking())


def test_what_goes_wrong(schedule: Schedule) -> None:
    now = moment(8)
    fleet = Fleet(schedule, now)
    rng = random.Random(3)
    for second in range(1, 90):
        fleet.step(now + second)
    buses = [bus for bus in fleet.out() if bus.mode == "driving" and bus.kind == "B" and bus.aside is None]
    astray = next(bus for bus in buses if happen(bus, "detour", fleet.now, rng))
    broken = next(bus for bus in buses if bus is not astray and happen(bus, "breakdown", fleet.now, rng))
    away, here = 0.0, broken.place()
    for second in range(90, 200):
        fleet.step(now + second)
        if astray.aside is not None and astray.trip is not None:
            course, place = astray.trip.course, astray.place()
            away = max(away, min(metres(place, course.at(along)) for along in range(0, int(course.length), 20)))
    assert away > 40  # on streets that are not its line's
    assert metres(here, broken.place()) < 120 and broken.speed == 0


def test_errors_are_as_large_as_the_receiver_says_and_last() -> None:
    by_class: dict[int, list[float]] = defaultdict(list)
    steps: dict[int, list[float]] = defaultdict(list)
    for seed in range(30):
        receiver = Receiver(random.Random(seed))
        before = None
        for _second in range(900):
            fix = receiver.step(1.0)
            if fix is not None:
                by_class[fix.fix_class].append(fix.east / fix.sigma_m)
                if before is not None and before.fix_class == fix.fix_class:
                    steps[fix.fix_class].append((fix.east - before.east) / fix.sigma_m)
            before = fix
    for fix_class in (SINGLE, RTK_FIXED):
        spread = math.sqrt(sum(value**2 for value in by_class[fix_class]) / len(by_class[fix_class]))
        assert 0.6 < spread < 1.6
    # From second to second an error of single fixes hardly changes, unlike noise.
    assert sum(value**2 for value in steps[SINGLE]) / len(steps[SINGLE]) < 0.25


@pytest.mark.parametrize("place", [(-29.4123456, 36.3512345), (51.9999999, -0.0000001), (-0.5, -89.9999999)])
def test_a_receiver_says_in_nmea_where_it_is(place: tuple[float, float]) -> None:
    at = moment(9) + 0.25
    message = {
        **{"vehicle": "B05", "at": at, "lon": place[0], "lat": place[1], "speed": 7.5, "bearing": 271.3},
        **{"fix_class": 4, "sigma_m": 0.014, "trip": "10-0", "occupancy": 2},
    }
    said = nmea("receiver-B05", message).split(b"\r\n")[:-1]
    assert content_of(said[0]) == b"$PCHID,receiver-B05"
    epochs, found = Epochs(), []
    for line in said[1:]:
        epochs.feed(line, at, found)
    epochs.close(found)
    assert len(found) == 1 and not epochs.faults
    heard = found[0]
    assert heard.at == pytest.approx(at, abs=0.011) and heard.fix_class == 4
    assert (heard.lon, heard.lat) == pytest.approx(place, abs=1e-8)
    assert heard.speed == pytest.approx(7.5, abs=0.01) and heard.sigma_m == pytest.approx(0.014 * math.sqrt(2), rel=0.5)


def test_what_no_receiver_takes_goes_by_the_gateway() -> None:
    message = {"vehicle": "B05", "at": moment(9), "lon": 1.0, "lat": 1.0, "speed": 0.0, "fix_class": 1, "sigma_m": 2.0}
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        # Nobody listens yet.
        assert Receivers(port, {"B05": "r"}).send([message]) == [message]
        listening.listen()
        door = Receivers(port, {"B05": "r"})
        assert door.send([message, message | {"vehicle": "B06"}]) == [message | {"vehicle": "B06"}]
        other, _address = listening.accept()
        with other:
            assert other.recv(4096).startswith(b"$PCHID,r*")
    assert Receivers(port, {}).send([message]) == [message]


def test_a_question_is_signed_like_an_envelope() -> None:
    import base64
    import json

    header = Signer("depot", "c2VjcmV0").headers("/api/x")["Cityhall-Envelope"]
    read = json.loads(base64.urlsafe_b64decode(header))
    assert json.loads(read["payload"]) == [{"kind": "get", "path": "/api/x"}]
    expected = sign(key_bytes("c2VjcmV0"), "depot", read["sent_at"], read["nonce"], read["payload"])
    assert read["signature"] == expected
