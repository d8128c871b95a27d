"""Whatever comes as a feed is read or refused: no other error, and no more memory than is allowed."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cityhall.engines.gtfs import FeedError, read_feeds
from tests.engines.gtfs.test_reading import SMALL
from tests.feeds import write_feed

FUZZ = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
CHANGES = st.lists(
    st.tuples(st.integers(0, 10**6), st.sampled_from("sdi"), st.integers(0, 255)), min_size=1, max_size=8
)


def changed(raw: bytes, changes: list[tuple[int, str, int]]) -> bytes:
    """Bytes set, deleted and inserted."""
    data = bytearray(raw)
    for place, what, value in changes:
        at = place % max(1, len(data))
        if what == "s" and data:
            data[at] = value
        elif what == "d" and data:
            del data[at]
        else:
            data.insert(at, value)
    return bytes(data)


def reads_or_refuses(path: Path) -> None:
    try:
        schedule, _ = read_feeds([path])
    except FeedError as refusal:
        assert refusal.report.errors and str(refusal)
    else:
        assert len(schedule.trips) > 0


@FUZZ
@given(changes=CHANGES)
def test_a_damaged_zip(tmp_path: Path, changes: list[tuple[int, str, int]]) -> None:
    path = write_feed(tmp_path / "feed.zip", SMALL)
    path.write_bytes(changed(path.read_bytes(), changes))
    reads_or_refuses(path)


@FUZZ
@given(name=st.sampled_from(sorted(SMALL)), changes=CHANGES)
def test_damaged_tables(tmp_path: Path, name: str, changes: list[tuple[int, str, int]]) -> None:
    path = tmp_path / "feed.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for member, text in SMALL.items():
            raw = text.encode()
            archive.writestr(member, changed(raw, changes) if member == name else raw)
    reads_or_refuses(path)


@FUZZ
@given(raw=st.binary(max_size=300))
def test_any_bytes(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "feed.zip"
    path.write_bytes(raw)
    with pytest.raises(FeedError):
        read_feeds([path])


@pytest.mark.parametrize("mark", ["\r", "\0", '"', "\ufeff"])
@pytest.mark.parametrize("name", sorted(SMALL))
def test_a_stray_mark_in_the_header(tmp_path: Path, name: str, mark: str) -> None:
    header, _, rows = SMALL[name].partition("\n")
    for at in (0, len(header) // 2, len(header)):
        reads_or_refuses(write_feed(tmp_path / "feed.zip", SMALL | {name: f"{header[:at]}{mark}{header[at:]}\n{rows}"}))


def test_nothing_and_a_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "none.zip", tmp_path):
        with pytest.raises(FeedError):
            read_feeds([path])
    with pytest.raises(FeedError):
        read_feeds([])


def test_a_member_that_would_leave_the_folder(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "feed.zip", "w") as archive:
        for name, text in SMALL.items():
            archive.writestr(f"../../../{name}", text)
    schedule, _ = read_feeds([tmp_path / "feed.zip"])
    assert len(schedule.trips) == 1 and not (tmp_path.parent / "stops.txt").exists()


def test_frequencies_without_end_are_refused(tmp_path: Path) -> None:
    rows = "trip_id,start_time,end_time,headway_secs\n" + "t,00:00:00,48:00:00,1\n" * 20
    with pytest.raises(FeedError, match="departures"):
        read_feeds([write_feed(tmp_path / "feed.zip", SMALL | {"frequencies.txt": rows})])


MEASURE = """\
import re, sys
from pathlib import Path
from cityhall.engines.gtfs import FeedError, read_feeds
try:
    schedule, _ = read_feeds([Path(sys.argv[1])])
    print("READ", schedule.stop_times.stop.size)
except FeedError as refusal:
    print("REFUSED", refusal)
# Not getrusage's ru_maxrss: that begins with what the process had that started this one.
print("PEAK", int(re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024)
"""


def measured(path: Path) -> tuple[str, int]:
    """What came of it, and the most memory it took (MB), in a process of its own."""
    done = subprocess.run([sys.executable, "-c", MEASURE, str(path)], capture_output=True, text=True, check=True)
    answer, peak = done.stdout.strip().splitlines()
    return answer, int(peak.split()[1])


def test_a_zip_bomb_is_refused_before_it_goes_off(tmp_path: Path) -> None:
    """Two gigabytes of the same line in two megabytes."""
    path = tmp_path / "feed.zip"
    block = b"t,08:00:00,08:00:00,a,1\n" * 40_000
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, text in SMALL.items():
            if name != "stop_times.txt":
                archive.writestr(name, text)
        with archive.open("stop_times.txt", "w", force_zip64=True) as file:
            file.write(b"trip_id,arrival_time,departure_time,stop_id,stop_sequence\n")
            for _ in range(2000):
                file.write(block)
    assert path.stat().st_size < 10_000_000
    answer, peak = measured(path)
    assert answer.startswith("REFUSED") and "stop_times.txt" in answer
    assert peak < 700, f"{peak} MB"


@cache
def _rows(hour: int, second: int, stops: int) -> bytes:
    """A trip's stop times; its number is left open."""
    times = (f"{hour:02}:{minute:02}:{second:02}" for minute in range(stops))
    return "".join(f"t%(t)d,{time},{time},s{n},{n}\n" for n, time in enumerate(times)).encode()


@pytest.mark.slow
def test_ten_million_stop_times(tmp_path: Path) -> None:
    """They are read, and never all held as text: that alone would be more than a gigabyte."""
    path = tmp_path / "feed.zip"
    trips, stops = 250_000, 40
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name in ("agency.txt", "routes.txt", "calendar.txt"):
            archive.writestr(name, SMALL[name])
        rows = "".join(f"s{n},S{n},{n / 100},1\n" for n in range(stops))
        archive.writestr("stops.txt", "stop_id,stop_name,stop_lat,stop_lon\n" + rows)
        archive.writestr("trips.txt", "route_id,service_id,trip_id\n" + "".join(f"R,d,t{n}\n" for n in range(trips)))
        with archive.open("stop_times.txt", "w", force_zip64=True) as file:
            file.write(b"trip_id,arrival_time,departure_time,stop_id,stop_sequence\n")
            # A trip's rows differ from another's by its number, hour and second: written by filling those in.
            for start in range(0, trips, 2000):
                file.write(
                    b"".join(
                        _rows(trip % 19 + 4, trip % 60, stops) % {b"t": trip} for trip in range(start, start + 2000)
                    )
                )
    answer, peak = measured(path)
    print(f"{answer}, at most {peak} MB")
    assert answer == f"READ {trips * stops}"
    assert peak < 4000, f"{peak} MB"
