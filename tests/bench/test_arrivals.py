"""The arrivals bench on a made-up line of Austin's form: what it reads, measures, refuses, and never looks at."""

from __future__ import annotations

import csv
import dataclasses
import gzip
import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from typer.testing import CliRunner

from cityhall import cli
from cityhall.bench import arrivals, austin
from cityhall.engines.arrivals import Model

pytestmark = pytest.mark.slow
ZONE = ZoneInfo("America/Chicago")
STOPS, TRIPS = 10, 27
DAYS = [date(2015, 3, 17) + timedelta(days=step) for step in range(3)]
POSITION = ("vehicle_id", "timestamp", "speed", "route_id", "trip_id", "latitude", "longitude", "trip_headsign")


def second(trip: int, stop: int) -> int:
    """By timetable: a trip every forty minutes from 6:20, the last one past midnight; two minutes a stop."""
    return 6 * 3600 + 1200 + 2400 * trip + 120 * stop


def clock(seconds: int) -> str:
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def place(trip: int, at: float) -> float:
    """Stops passed: buses leave two minutes late and lose half a minute on each of the first five segments."""
    come = [second(trip, 0) + 120.0]
    for stop in range(1, STOPS):
        come.append(come[-1] + (150 if stop <= 5 else 100) + 5 * ((trip + stop) % 3))
    return float(np.interp(at, come, np.arange(STOPS)))


def reports(day: date, every: int = 60) -> Iterator[dict[str, Any]]:
    midnight = datetime.combine(day, datetime.min.time(), ZONE)
    for trip in range(TRIPS):
        for at in range(second(trip, 0) - 60 + 7 * trip % 50, second(trip, STOPS - 1) + 400, every):
            moment = midnight + timedelta(seconds=at)
            yield {
                "vehicle_id": str(100 + trip),
                "timestamp": moment.isoformat(),
                "speed": "5.0" if 0 < place(trip, at) < STOPS - 1 else "0.0",
                "route_id": "7",
                "trip_id": f"t{trip}",
                "latitude": f"{30.25 + 0.004 * place(trip, at):.6f}",
                "longitude": "-97.740000",
                "trip_headsign": "NORTHBOUND",
            }


def write(path: Path, columns: tuple[str, ...], rows: Iterator[dict[str, Any]]) -> Path:
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "wt", newline="") as file:
        table = csv.DictWriter(file, columns)
        table.writeheader()
        table.writerows(rows)
    return path


@dataclasses.dataclass
class Files:
    positions: list[Path]
    schedule: Path
    stops: Path


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    folder = tmp_path_factory.mktemp("austin")
    days = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
    return Files(
        [write(folder / f"{day}.csv.gz", POSITION, reports(day)) for day in DAYS],
        write(
            folder / "schedule.csv",
            ("trip_id", "arrival_time", "stop_id", *days),
            (
                {"trip_id": f"t{trip}", "arrival_time": clock(second(trip, stop)), "stop_id": f"s{stop}"}
                for trip in range(TRIPS)
                for stop in range(STOPS)
            ),
        ),
        write(
            folder / "stops.csv",
            ("stop_id", "stop_name", "stop_lat", "stop_lon"),
            (
                {"stop_id": f"s{n}", "stop_name": f"Stop {n}", "stop_lat": 30.25 + 0.004 * n, "stop_lon": -97.74}
                for n in range(STOPS)
            ),
        ),
    )


def command(files: Files, *more: str, positions: list[Path] | None = None) -> list[str]:
    return cli.spread(
        [
            *("bench", "arrivals", "--positions", *map(str, positions or files.positions)),
            *("--schedule", str(files.schedule), "--stops", str(files.stops), *more),
        ]
    )


def asked(arguments: list[str]) -> Any:
    done = CliRunner().invoke(cli.app, arguments)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout.strip().splitlines()[-1])


def test_ours_is_nearer_than_the_timetable_with_and_without_the_delay(files: Files) -> None:
    result = asked(command(files, "--test-day", "2015-03-19", "--json"))
    for name in ("ours", "timetable", "timetable_plus_delay"):
        assert result[name]["predictions"] == result["ours"]["predictions"] > 1000
        assert 0 <= result[name]["in_bucket"] <= 1
    assert result["training_days"] == ["2015-03-17", "2015-03-18"]
    assert result["ours"]["mae_s"] < 0.7 * result["timetable_plus_delay"]["mae_s"]
    assert result["ours"]["in_bucket"] > result["timetable_plus_delay"]["in_bucket"]
    assert result["timetable_plus_delay"]["mae_s"] < result["timetable"]["mae_s"]


def test_any_day_will_do_and_alone_it_is_still_predicted(files: Files) -> None:
    alone = asked(command(files, "--test-day", "2015-03-18", "--json", positions=files.positions[1:2]))
    assert alone["training_days"] == []
    assert alone["ours"]["predictions"] > 1000 and alone["ours"]["mae_s"] is not None
    assert alone["ours"]["mae_s"] <= 1.05 * alone["timetable_plus_delay"]["mae_s"]


def test_a_day_that_was_not_recorded_is_refused(files: Files) -> None:
    done = CliRunner().invoke(cli.app, command(files, "--test-day", "2015-03-25"))
    assert done.exit_code == 1 and "2015-03-25" in " ".join(done.output.split())
    swapped = dataclasses.replace(files, schedule=files.stops)
    done = CliRunner().invoke(cli.app, command(swapped, "--test-day", "2015-03-19"))
    assert done.exit_code == 1 and "no column" in done.output


def test_each_day_left_out_is_that_day_tested_alone(files: Files) -> None:
    every = asked(command(files, "--each-day", "--json"))
    assert [row["test_day"] for row in every["days"]] == [day.isoformat() for day in DAYS]
    row = every["days"][2]
    alone = asked(command(files, "--test-day", "2015-03-19", "--json"))
    assert row["training_days"] == alone["training_days"]
    for name in ("ours", "timetable", "timetable_plus_delay"):
        assert row["mae_s"][name] == alone[name]["mae_s"]
    gains = [1 - row["mae_s"]["ours"] / row["mae_s"]["timetable_plus_delay"] for row in every["days"]]
    assert [row["improvement"] for row in every["days"]] == pytest.approx(gains, abs=1e-4)
    assert every["mean_improvement"] == pytest.approx(np.mean(gains), abs=1e-4)
    assert every["worst_improvement"] == pytest.approx(min(gains), abs=1e-4)


def test_days_of_two_timetables_teach_only_their_own(files: Files, tmp_path: Path) -> None:
    later = [row | {"trip_id": f"new {row['trip_id']}"} for row in reports(date(2016, 11, 25))]
    positions = [*files.positions, write(tmp_path / "later.csv.gz", POSITION, iter(later))]
    schedule = tmp_path / "schedule.csv"
    schedule.write_text(
        "".join(
            f"new {line}" if line[0] == "t" and line[1] != "r" else line
            for line in files.schedule.read_text().splitlines(keepends=True)
        )
    )
    more = ("--schedule", str(schedule), "--stops", str(files.stops), "--each-day", "--json")
    rows = asked(command(files, *more, positions=positions))["days"]
    assert [row["test_day"] for row in rows] == [*(day.isoformat() for day in DAYS), "2016-11-25"]
    for row in rows:
        # The hours past midnight are a day of their own to learn from.
        assert all(day[:4] == row["test_day"][:4] for day in row["training_days"])
    assert all(len(row["training_days"]) >= 2 for row in rows[:3])


@pytest.mark.parametrize("asked_for", [(), ("--each-day", "--test-day", "2015-03-19")])
def test_one_day_or_each_not_both_nor_none(files: Files, asked_for: tuple[str, ...]) -> None:
    done = CliRunner().invoke(cli.app, command(files, *asked_for))
    assert done.exit_code == 2 and "--each-day" in done.output


def test_repeats_strangers_and_rubbish_change_nothing(files: Files, tmp_path: Path) -> None:
    rows = list(reports(DAYS[1]))
    stranger = [row | {"trip_id": "unheard of", "vehicle_id": "9"} for row in rows[:50]]
    broken = [rows[0] | {"timestamp": "soon"}, rows[0] | {"latitude": ""}, rows[0] | {"trip_id": ""}]
    dirty = write(tmp_path / "dirty.csv", POSITION, iter([*broken, *stranger, *reversed(rows), *rows[:99]]))
    clean = asked(command(files, "--test-day", "2015-03-18", "--json", positions=[files.positions[1]]))
    again = asked(command(files, "--test-day", "2015-03-18", "--json", positions=[dirty]))
    assert again["unknown_trip"] == 50
    for name in ("ours", "timetable", "timetable_plus_delay"):
        assert again[name] == clean[name]


def predictions(files: Files, until: str = "") -> dict[tuple[float, float], tuple[float, ...]]:
    """By (moment, arrival) of the test day: what all three said, from reports up to `until` o'clock only."""
    reports = austin.read_positions(files.positions[2:])
    if until:
        last = datetime.fromisoformat(f"2015-03-19T{until}").replace(tzinfo=ZONE).timestamp()
        reports = reports.filter(reports["at"] <= last)
    timetable = austin.read_timetable(files.schedule, files.stops)
    days = arrivals.read_days(reports, timetable).days
    tested = days.date == DAYS[2].toordinal()
    made = arrivals.replayed(Model.empty(), days.of(tested))
    return {(now, actual): tuple(said) for now, actual, *said in zip(*made, strict=True)}


@pytest.mark.parametrize("until", ["09:17", "14:02", "23:30"])
def test_later_reports_change_no_earlier_prediction(files: Files, until: str) -> None:
    known, all_day = predictions(files, until), predictions(files)
    assert len(known) > 50
    same = [key for key in known if key in all_day]
    # Only arrivals between the last two reports can be told otherwise by the day's later ones.
    assert len(same) > 0.95 * len(known)
    assert all(known[key] == all_day[key] for key in same)


def test_trips_past_midnight_are_of_the_day_before(files: Files) -> None:
    reports = austin.read_positions(files.positions)
    timetable = austin.read_timetable(files.schedule, files.stops)
    found = austin.read_reports(reports, timetable)
    late = found.date != found.day
    assert late.any() and (found.date[late] == found.day[late] + 1).all()
    start = timetable.trips.arrival[timetable.trips.first[found.trip]]
    assert np.abs(found.at[found.first[:-1]] - found.midnight - start).max() < 1900


def test_arrivals_are_told_where_reports_are_near_and_only_there(files: Files, tmp_path: Path) -> None:
    timetable = austin.read_timetable(files.schedule, files.stops)
    for every, worst, share in ((60, 40, 0.75), (600, 160, 0.4)):
        path = write(tmp_path / f"{every}.csv", POSITION, reports(DAYS[0], every))
        days = arrivals.read_days(austin.read_positions([path]), timetable).days
        begin = arrivals.call_rows(days.trips, days.traces)
        truth = np.full(days.arrivals.size, np.nan)
        for run, trip in enumerate(days.traces.trip.tolist()):
            name = int(timetable.ids[trip][1:])
            at = np.arange(second(name, 0), second(name, STOPS) + 900)
            passed = [place(name, moment) for moment in at]
            truth[begin[run] : begin[run + 1]] = (
                at[np.searchsorted(passed, np.arange(STOPS))] + days.traces.midnight[run]
            )
        good = days.error <= arrivals.WORST_S
        assert np.abs(days.arrivals - truth)[good].max() < worst
        assert good.mean() > share if every == 60 else good.mean() < share


def test_scores_are_by_the_time_to_the_actual_arrival() -> None:
    now = np.zeros(6)
    actual = np.array([179.0, 180.0, 100.0, 100.0, 700.0, 100.0])
    early = np.array([-30.0, -60.0, -31.0, 90.0, 270.0, 91.0])
    said = arrivals.score(now, actual, actual - early)
    assert said["in_bucket"] == pytest.approx(4 / 6, abs=1e-4)
    assert said["buckets"] == {"0-3 min": 0.5, "3-6 min": 1.0, "6-10 min": None, "10-15 min": 1.0}
    assert said["in_bucket_mean"] == pytest.approx((0.5 + 1 + 1) / 3, abs=1e-4)


def test_several_files_may_follow_the_option() -> None:
    assert cli.spread(["--positions", "a", "b", "--json"]) == ["--positions", "a", "--positions", "b", "--json"]
