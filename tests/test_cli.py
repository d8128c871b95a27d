"""The command: what a person types, and what is said when it cannot be done."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.feeds import tables, write_feed

ROOT = Path(__file__).parents[1]
OURS = ("CITYHALL_", "DATABASE_", "DJANGO_SETTINGS_MODULE", "NATS_URL", "MQTT_URL", "EMAIL_URL")


def cityhall(*arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(OURS)} | variables
    command = [sys.executable, "-m", "cityhall.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT, timeout=200, check=False)


def said(done: subprocess.CompletedProcess[str]) -> str:
    return " ".join((done.stdout + done.stderr).split())


@pytest.fixture(scope="module")
def osm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two streets that cross at the market square of the small feed."""
    path = tmp_path_factory.mktemp("osm") / "streets.osm"
    nodes = {
        1: (-30.03, -51.23),
        2: (-30.03, -51.215),
        3: (-30.03, -51.15),
        4: (-30.015, -51.215),
        5: (-30.045, -51.215),
    }
    text = "".join(f'<node id="{n}" lat="{lat}" lon="{lon}" version="1"/>' for n, (lat, lon) in nodes.items())
    for way, refs, name in ((10, (1, 2, 3), "Harbour Street"), (11, (4, 2, 5), "Beach Street")):
        inside = "".join(f'<nd ref="{ref}"/>' for ref in refs)
        text += (
            f'<way id="{way}" version="1">{inside}<tag k="highway" v="residential"/><tag k="name" v="{name}"/></way>'
        )
    path.write_text(f'<?xml version="1.0"?><osm version="0.6">{text}</osm>')
    return path


@pytest.mark.slow
def test_a_city_is_made_checked_and_read_again(tmp_path: Path, osm: Path) -> None:
    texts = tables()
    lost = texts["stop_times.txt"].splitlines(keepends=True)
    lost.insert(15, "out0,09:00:00,09:00:00,nowhere,8\n")
    feed = write_feed(tmp_path / "buses.zip", texts | {"stop_times.txt": "".join(lost)})
    data = tmp_path / "cities"
    made = cityhall("new", "small-town", "--gtfs", feed, "--osm", osm, "--data", data)
    assert made.returncode == 0, said(made)
    # What is to be told of the files is on the screen, not only kept.
    assert "timetable ended on 2019-06-30" in said(made) and "line 16: Its stop is not in stops.txt." in said(made)
    toml = (data / "small-town" / "city.toml").read_text()
    assert 'timezone = "America/Sao_Paulo"' in toml and 'currency = "BRL"' in toml
    check = cityhall("check", "--city", "small-town", "--data", data)
    assert "timetable ended on 2019-06-30" in said(check) and "officer add EMAIL --role administrator" in said(check)
    verified = cityhall("journal", "verify", "--city", "small-town", "--data", data)
    assert verified.returncode == 0 and "unchanged" in said(verified)

    where = ("--city", "small-town", "--data", data)
    (tmp_path / "fleet.csv").write_text("id,kind,capacity\nB1,bus,60\nS1,school,16\n")
    assert "2 vehicles" in said(cityhall("vehicles", "import", tmp_path / "fleet.csv", *where))
    assert said(cityhall("vehicles", "add", "B2", "--kind", "bus", "--no-wheelchair", *where)).strip() == "B2"
    twice = cityhall("vehicles", "add", "B2", "--kind", "bus", *where)
    assert twice.returncode == 1 and "already" in said(twice)
    assert cityhall("receivers", "add", "B2", "--address", "mqtt", "--id", "rx-2", *where).returncode == 0
    listed = json.loads(cityhall("vehicles", "list", "--json", *where).stdout)
    assert [(one["id"], one["kind"], one["receivers"]) for one in listed] == [
        *(("B1", "bus", []), ("B2", "bus", ["rx-2"]), ("S1", "school", [])),
    ]

    broken = tables()
    del broken["trips.txt"]
    write_feed(data / "small-town" / "buses.zip", broken)
    refused = cityhall("load", "transit", "--city", "small-town", "--data", data)
    assert refused.returncode == 1
    assert "trips.txt" in said(refused)

    for line, wrong in (("timezone", 'timezone = "Nowhere"'),):
        text = "\n".join(wrong if old.startswith(line) else old for old in toml.splitlines())
        (data / "small-town" / "city.toml").write_text(text)
        bad = cityhall("check", "--city", "small-town", "--data", data)
        assert bad.returncode == 1 and "line 4" in said(bad) and "IANA" in said(bad)

    again = cityhall("new", "small-town", "--gtfs", feed, "--osm", osm, "--data", data)
    assert again.returncode == 1 and "there already" in said(again)


def test_what_cannot_be_made_leaves_nothing(tmp_path: Path, osm: Path) -> None:
    data = tmp_path / "cities"
    feed, broken = write_feed(tmp_path / "buses.zip"), tmp_path / "broken.zip"
    broken.write_bytes(b"PK no zip")
    bad_osm = tmp_path / "bad.osm.pbf"
    bad_osm.write_bytes(b"\x00\x01\x02 no pbf")
    for gtfs, streets, name in (
        (broken, osm, "a"),
        (feed, bad_osm, "b"),
        (tmp_path / "no.zip", osm, "c"),
        (feed, osm, "A b"),
    ):
        done = cityhall("new", name, "--gtfs", gtfs, "--osm", streets, "--data", data)
        assert done.returncode == 1 and "Traceback" not in said(done), said(done)
    assert not data.exists() or list(data.iterdir()) == []


def test_a_city_that_is_not_there(tmp_path: Path) -> None:
    for command in (["up"], ["check"], ["load"], ["journal", "verify"]):
        done = cityhall(*command, "--city", "atlantis", "--data", tmp_path)
        assert done.returncode == 1 and "no city" in said(done)


def test_a_database_that_is_not_postgresql_is_refused(tmp_path: Path, osm: Path) -> None:
    feed = write_feed(tmp_path / "buses.zip")
    done = cityhall(
        *("new", "x", "--gtfs", feed, "--osm", osm, "--data", tmp_path / "cities"), DATABASE_URL="sqlite:///x.db"
    )
    assert done.returncode == 1 and "PostgreSQL" in said(done) and "Traceback" not in said(done)


def test_journeys_are_timed_on_any_feed(tmp_path: Path) -> None:
    feed = write_feed(tmp_path / "buses.zip")
    for options in ([], ["--window", "120"], ["--door-to-door"]):
        done = cityhall(
            *("bench", "journeys", "--gtfs", feed, "--date", "2019-05-15", "--pairs", 20, "--seed", 1, "--json"),
            *options,
        )
        assert done.returncode == 0, said(done)
        result = json.loads(done.stdout)
        assert {"median_ms", "p95_ms", "found", "load_s", "rss_mb"} <= set(result)
        assert result["found"] > 10
    nothing = cityhall("bench", "journeys", "--gtfs", feed, "--date", "2030-01-01", "--json")
    assert nothing.returncode == 1 and "nothing runs" in said(nothing)
