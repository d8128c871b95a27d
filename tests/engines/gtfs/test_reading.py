"""GTFS as it comes: what is left out is filled in, what is wrong is said."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from cityhall.engines.gtfs import FeedError, Schedule, read_feeds
from tests import quirky
from tests.feeds import tables, write_feed

DAY = date(2019, 5, 15)
SMALL = {
    "agency.txt": "agency_id,agency_name,agency_url,agency_timezone\nA,A,https://example.org,America/Sao_Paulo\n",
    "stops.txt": "stop_id,stop_name,stop_lat,stop_lon\na,A,0,1\nb,B,0,1.01\nc,C,0,1.04\n",
    "routes.txt": "route_id,route_short_name,route_type\nR,1,3\n",
    "calendar.txt": (
        "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date\n"
        "d,1,1,1,1,1,1,1,20190501,20190531\n"
    ),
    "trips.txt": "route_id,service_id,trip_id\nR,d,t\n",
    "stop_times.txt": (
        "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n"
        "t,08:00:00,08:00:00,a,1\nt,,,b,2\nt,08:04:00,08:04:00,c,3\n"
    ),
}


def read(folder: Path, **changes: str | None) -> tuple[Schedule, list[str]]:
    """The small feed with some files changed (None: left out); the schedule, and codes of what was reported."""
    texts = SMALL | {f"{name}.txt": text for name, text in changes.items()}
    path = write_feed(folder / "feed.zip", {name: text for name, text in texts.items() if text is not None})
    schedule, report = read_feeds([path])
    return schedule, sorted(+report.counts)


def times(schedule: Schedule, trip: str) -> list[tuple[int, int]]:
    row = schedule.trips.id.index(trip)
    rows = slice(int(schedule.trips.first[row]), int(schedule.trips.first[row + 1]))
    both = np.column_stack([schedule.stop_times.arrival[rows], schedule.stop_times.departure[rows]])
    return [(int(a), int(b)) for a, b in both]


def test_times_between_timepoints_follow_the_distance(tmp_path: Path) -> None:
    schedule, codes = read(tmp_path)
    assert times(schedule, "t") == [(28800, 28800), (28860, 28860), (29040, 29040)]
    assert codes == ["interpolated"]


def test_times_between_timepoints_follow_the_shape(tmp_path: Path) -> None:
    """The way to b goes round: three quarters of the way, and of the time, lie before it."""
    shape = (
        "shape_id,shape_pt_lat,shape_pt_lon,shape_pt_sequence\n"
        "s,0,1,1\ns,-0.04,1,2\ns,-0.04,1.01,3\ns,0,1.01,4\ns,0,1.04,5\n"
    )
    schedule, _ = read(tmp_path, shapes=shape, trips="route_id,service_id,trip_id,shape_id\nR,d,t,s\n")
    middle = times(schedule, "t")[1][0]
    assert middle == pytest.approx(28800 + 240 * 0.09 / 0.12, abs=1)
    assert schedule.stop_times.shape_distance[1] == pytest.approx(0.09 * 111_195, rel=0.001)


def test_times_past_midnight_belong_to_the_day_before(tmp_path: Path) -> None:
    late = SMALL["stop_times.txt"].replace("08:", "25:")
    schedule, _ = read(tmp_path, stop_times=late)
    assert times(schedule, "t")[0] == (90_000, 90_000)


@pytest.mark.parametrize("exact", ["0", "1"])
def test_frequencies_become_departures(tmp_path: Path, exact: str) -> None:
    rows = f"trip_id,start_time,end_time,headway_secs,exact_times\nt,06:00:00,07:00:00,1200,{exact}\n"
    schedule, _ = read(tmp_path, frequencies=rows)
    assert schedule.trips.id == ["t@06:00:00", "t@06:20:00", "t@06:40:00"]
    assert times(schedule, "t@06:20:00") == [(22800, 22800), (22860, 22860), (23040, 23040)]


def test_calendar_dates_add_and_take_away(tmp_path: Path) -> None:
    dates = "service_id,date,exception_type\nd,20190515,2\nd,20190601,1\n"
    schedule, _ = read(tmp_path, calendar_dates=dates)
    assert [bool(schedule.services.on(date(2019, 5, day))[0]) for day in (14, 15, 16)] == [True, False, True]
    assert schedule.services.on(date(2019, 6, 1))[0] and not schedule.services.on(date(2019, 6, 2))[0]


def test_a_feed_of_calendar_dates_only(tmp_path: Path) -> None:
    schedule, _ = read(tmp_path, calendar=None, calendar_dates="service_id,date,exception_type\nd,20190515,1\n")
    assert schedule.valid_days() == (DAY, DAY)


def test_two_feeds_keep_their_ids_apart(tmp_path: Path) -> None:
    one = write_feed(tmp_path / "one.zip", SMALL)
    two = write_feed(tmp_path / "two.zip", SMALL | {"stops.txt": SMALL["stops.txt"].replace(",0,", ",1,")})
    schedule, _ = read_feeds([one, two])
    assert len(schedule.stops) == 6 and len(set(schedule.stops.id)) == 6
    assert len(schedule.trips) == 2 and len(set(schedule.trips.id)) == 2
    stops = schedule.stop_times.stop.reshape(2, 3)
    assert set(schedule.stops.lat[stops[0]]) == {0.0} and set(schedule.stops.lat[stops[1]]) == {1.0}


def test_feeds_of_two_time_zones_are_refused(tmp_path: Path) -> None:
    one = write_feed(tmp_path / "one.zip", SMALL)
    agency = SMALL["agency.txt"].replace("America/Sao_Paulo", "Asia/Seoul")
    two = write_feed(tmp_path / "two.zip", SMALL | {"agency.txt": agency})
    with pytest.raises(FeedError, match="time zone"):
        read_feeds([one, two])


def test_transfers_wheelchairs_and_fares(tmp_path: Path) -> None:
    schedule, _ = read(
        tmp_path,
        transfers="from_stop_id,to_stop_id,transfer_type,min_transfer_time\na,b,2,90\nb,c,3,\n",
        stops=(
            "stop_id,stop_name,stop_lat,stop_lon,location_type,parent_station,wheelchair_boarding\n"
            "s,Station,0,1,1,,1\na,A,0,1,0,s,0\nb,B,0,1.01,0,s,2\nc,C,0,1.04,0,,\n"
        ),
        trips="route_id,service_id,trip_id,wheelchair_accessible\nR,d,t,2\n",
        fare_attributes="fare_id,price,currency_type,payment_method,transfers\nf,4.70,BRL,0,1\n",
        fare_rules="fare_id,route_id\nf,R\n",
    )
    assert schedule.transfers.type.tolist() == [2, 3] and schedule.transfers.min_time.tolist() == [90, 0]
    wheelchair = dict(zip(schedule.stops.id, schedule.stops.wheelchair.tolist(), strict=True))
    assert wheelchair == {"s": 1, "a": 1, "b": 2, "c": 0}, "a platform without a word of its own is as its station"
    assert schedule.trips.wheelchair.tolist() == [2]
    assert (schedule.fares.price_minor.tolist(), schedule.fares.currency) == ([470], ["BRL"])


def test_as_spreadsheets_write_it(tmp_path: Path) -> None:
    """A byte-order mark, CRLF, quotes, blanks, a column nobody knows, an empty line at the end."""
    texts = {name: "\ufeff" + text.replace("\n", "\r\n") + "\r\n" for name, text in SMALL.items()}
    texts["stops.txt"] = (
        '\ufeff"stop_id","stop_name","stop_lat","stop_lon","our_note"\r\n'
        '"a","A, ""the"" stop", 0 ,1,x\r\n"b",B,0,1.01,\r\nc,C,0,1.04,\r\n'
    )
    schedule, _ = read_feeds([write_feed(tmp_path / "feed.zip", texts)])
    assert schedule.stops.name == ['A, "the" stop', "B", "C"]
    assert len(schedule.trips) == 1


def test_in_a_folder_of_the_zip(tmp_path: Path) -> None:
    path = write_feed(tmp_path / "feed.zip", {f"export/{name}": text for name, text in SMALL.items()})
    schedule, report = read_feeds([path])
    assert len(schedule.trips) == 1 and "subfolder" in report.counts


BAD = {
    "unknown_route_id": {"trips": "route_id,service_id,trip_id\nR,d,t\nX,d,u\n"},
    "unknown_service_id": {"trips": "route_id,service_id,trip_id\nR,d,t\nR,x,u\n"},
    "unknown_stop_id": {"stop_times": SMALL["stop_times.txt"] + "t,08:09:00,08:09:00,nowhere,4\n"},
    "unknown_trip_id": {"stop_times": SMALL["stop_times.txt"] + "x,08:09:00,08:09:00,a,4\n"},
    "bad_sequence": {"stop_times": SMALL["stop_times.txt"] + "t,08:09:00,08:09:00,a,four\n"},
    "sequence_twice": {"stop_times": SMALL["stop_times.txt"] + "t,08:09:00,08:09:00,a,3\n"},
    "bad_time": {"stop_times": SMALL["stop_times.txt"].replace("t,,,b", "t,noon,noon,b")},
    "time_goes_back": {
        "trips": "route_id,service_id,trip_id\nR,d,t\nR,d,u\n",
        "stop_times": SMALL["stop_times.txt"] + "u,09:00:00,09:00:00,a,1\nu,08:00:00,08:00:00,b,2\n",
    },
    "no_end_time": {
        "trips": "route_id,service_id,trip_id\nR,d,t\nR,d,u\n",
        "stop_times": SMALL["stop_times.txt"] + "u,,,a,1\nu,08:00:00,08:00:00,b,2\n",
    },
    "short_trip": {"trips": "route_id,service_id,trip_id\nR,d,t\nR,d,u\n"},
    "bad_position": {"stops": SMALL["stops.txt"] + "x,X,95,1\n"},
    "bad_route_type": {"routes": SMALL["routes.txt"] + "B,2,boat\n"},
    "twice": {"stops": SMALL["stops.txt"] + "a,A again,0,1\n"},
    "no_id": {"stops": SMALL["stops.txt"] + ",No id,0,1\n"},
    "bad_frequency": {"frequencies": "trip_id,start_time,end_time,headway_secs\nt,07:00:00,06:00:00,60\n"},
    "bad_fare": {"fare_attributes": "fare_id,price,currency_type\nf,much,BRL\n"},
}


@pytest.mark.parametrize("code", BAD)
def test_what_is_wrong_is_dropped_and_said_with_its_line(tmp_path: Path, code: str) -> None:
    texts = SMALL | {f"{name}.txt": text for name, text in BAD[code].items()}
    schedule, report = read_feeds([write_feed(tmp_path / "feed.zip", texts)])
    assert len(schedule.trips) == 1, "what is sound stays"
    (problem, *_) = [problem for problem in report.problems if problem.code == code]
    assert problem.severity == "warning" and problem.line > 1 and problem.mend
    assert problem.file.endswith(".txt") and problem.field


@pytest.mark.parametrize("missing", ["agency.txt", "stops.txt", "routes.txt", "trips.txt", "stop_times.txt"])
def test_without_a_needed_file_there_is_no_feed(tmp_path: Path, missing: str) -> None:
    texts = {name: text for name, text in SMALL.items() if name != missing}
    with pytest.raises(FeedError, match=missing) as refusal:
        read_feeds([write_feed(tmp_path / "feed.zip", texts)])
    assert refusal.value.report.errors


def test_without_a_needed_column_there_is_no_feed(tmp_path: Path) -> None:
    texts = SMALL | {"stop_times.txt": SMALL["stop_times.txt"].replace("stop_sequence", "order")}
    with pytest.raises(FeedError, match="stop_sequence"):
        read_feeds([write_feed(tmp_path / "feed.zip", texts)])


def test_the_larger_made_up_feed_has_nothing_wrong(tmp_path: Path) -> None:
    schedule, report = read_feeds([write_feed(tmp_path / "feed.zip", tables())])
    assert not report.problems and len(schedule.trips) == 96


REAL = Path(__file__).parents[4] / "shared" / "data" / "porto-alegre"


@pytest.mark.skipif(not REAL.exists(), reason="the real feeds are not on this machine")
def test_a_real_citys_feeds() -> None:
    schedule, report = read_feeds([REAL / "poa_eptc.zip", REAL / "poa_trensurb.zip"])
    assert not report.errors
    assert len(schedule.stops) > 3_900 and len(schedule.trips) > 2_300
    in_order(schedule)
    assert schedule.services.on(DAY).any()


def test_our_own_feed_with_the_quirks_of_real_ones(tmp_path: Path) -> None:
    """Every quirk comes through: counted here from the texts, row by row, without the reader."""
    texts = quirky.tables()
    rows = {
        name: list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""))) for name, text in texts.items()
    }
    path = quirky.write(tmp_path / "quirky.zip")
    assert path.stat().st_size < 300_000
    schedule, report = read_feeds([path])
    assert not report.errors
    in_order(schedule)
    assert schedule.stops.id == [row["stop_id"] for row in rows["stops.txt"]]
    assert set(schedule.stops.name) == {row["stop_name"].strip() for row in rows["stops.txt"]}
    often = {row["trip_id"] for row in rows["frequencies.txt"]}
    departures = sum(
        len(range(_seconds(row["start_time"]), _seconds(row["end_time"]), int(row["headway_secs"])))
        for row in rows["frequencies.txt"]
    )
    plain = [row["trip_id"] for row in rows["trips.txt"] if row["trip_id"] not in often]
    assert len(schedule.trips) == len(plain) + departures and set(plain) < set(schedule.trips.id)
    given = {(row["trip_id"], row["stop_sequence"]) for row in rows["stop_times.txt"] if not row["arrival_time"]}
    assert len(given) > 20_000 and report.counts["interpolated"] == 1
    ends = {row["trip_id"]: _seconds(row["departure_time"]) for row in rows["stop_times.txt"] if row["departure_time"]}
    last = schedule.stop_times.departure[schedule.trips.first[1:] - 1].tolist()
    read = {trip: end for trip, end in zip(schedule.trips.id, last, strict=True) if "@" not in trip}
    assert read == {trip: ends[trip] for trip in plain} and max(read.values()) > 24 * 3600
    runs = {
        row["service_id"]: schedule.trips.id.index(row["trip_id"])
        for row in rows["trips.txt"]
        if row["trip_id"] not in often
    }
    on = schedule.services.on(quirky.DAY)
    running = {name: bool(on[schedule.trips.service[trip]]) for name, trip in runs.items()}
    assert running == {"wk": True, "dates": True, "off": False, "sat": False}
    assert not schedule.services.on(quirky.DAY + timedelta(days=25))[schedule.trips.service[runs["dates"]]]
    without = {row["trip_id"] for row in rows["trips.txt"] if not row["shape_id"]}
    assert all((schedule.trips.shape[schedule.trips.id.index(trip)] < 0) == (trip in without) for trip in plain[::40])


def _seconds(text: str) -> int:
    hours, minutes, seconds = text.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds)


def in_order(schedule: Schedule) -> None:
    """No trip begins before its day or goes back in time."""
    first, last = schedule.trips.first[:-1], schedule.trips.first[1:] - 1
    assert (schedule.stop_times.departure[first] >= 0).all()
    steps = np.diff(schedule.stop_times.arrival.astype(np.int64))
    inside = np.ones(steps.size, np.bool_)
    inside[last[:-1]] = False
    assert (steps[inside] >= 0).all(), "no trip goes back in time"
