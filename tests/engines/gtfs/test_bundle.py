"""Several feeds as one zip have the ids of the merged timetable."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from cityhall.engines.gtfs import read_feeds
from cityhall.engines.gtfs.bundle import write_merged
from cityhall.engines.gtfs.schedule import Schedule
from tests.feeds import tables, write_feed


def same(one: Schedule, other: Schedule) -> None:
    """Every array and list of two schedules is equal, but for what is said of the files themselves."""
    for part in dataclasses.fields(Schedule):
        a, b = getattr(one, part.name), getattr(other, part.name)
        if part.name in ("feed_version", "attribution", "feeds"):
            continue
        if not dataclasses.is_dataclass(a):
            assert a == b, part.name
            continue
        for column in dataclasses.fields(a):
            left, right = getattr(a, column.name), getattr(b, column.name)
            if isinstance(left, np.ndarray):
                np.testing.assert_array_equal(left, right, err_msg=f"{part.name}.{column.name}")
            else:
                assert left == right, f"{part.name}.{column.name}"


def no_agency_id() -> dict[str, str]:
    texts = tables()
    texts["agency.txt"] = "agency_name,agency_url,agency_timezone\nFerries,https://example.org,America/Sao_Paulo\n"
    return texts


def other_names() -> dict[str, str]:
    """A feed whose stops, trips and routes are its own; its calendar is called as the first one's."""
    texts = tables()
    for file in ("stops.txt", "trips.txt", "stop_times.txt", "routes.txt"):
        for name in ("harbour", "square", "hill", "north", "south", "out", "back", "down", "R1", "R2"):
            texts[file] = texts[file].replace(f"{name},", f"x{name},").replace(f",{name}", f",x{name}")
    texts["trips.txt"] = (
        texts["trips.txt"].replace(",out", ",xout").replace(",back", ",xback").replace(",down", ",xdown")
    )
    texts["stop_times.txt"] = "\n".join(
        line if number == 0 or not line or line.startswith("x") else f"x{line}"
        for number, line in enumerate(texts["stop_times.txt"].split("\n"))
    )
    texts["frequencies.txt"] = "trip_id,start_time,end_time,headway_secs\nxout5,08:30:00,10:30:00,600\n"
    return texts


@pytest.mark.parametrize("second", [tables, no_agency_id, other_names])
def test_the_bundle_is_read_as_the_feeds_were(tmp_path: Path, second: object) -> None:
    paths = [write_feed(tmp_path / "a.zip"), write_feed(tmp_path / "b.zip", second())]  # type: ignore[operator]
    merged, report = read_feeds(paths)
    write_merged(paths, merged, tmp_path / "gtfs.zip")
    again, other = read_feeds([tmp_path / "gtfs.zip"])
    same(merged, again)
    assert len(other.problems) == len(report.problems)
