"""A feed comes into service whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from cityhall.kernel.errors import Invalid
from cityhall.kernel.journal.models import Entry
from cityhall.services.transit import actions, queries
from cityhall.services.transit.models import FeedVersion, Line, Stop
from tests.feeds import tables, write_feed


def load() -> None:
    actions.load(lambda what, share: None)


def test_a_feed_is_in_service_with_its_stops_and_lines(city: Path) -> None:
    version = queries.in_service()
    assert version is not None
    assert (str(version.first_day), str(version.last_day)) == ("2019-04-01", "2019-06-30")
    assert Stop.objects.count() == 5
    assert list(Line.objects.values_list("short_name", "mode")) == [("1", "bus"), ("2", "tram")]
    assert Stop.objects.get(gtfs_id="square").lines == ["1", "2"]
    assert Entry.objects.filter(type="transit.feed.in_service").count() == 1


def test_a_bad_feed_is_refused_and_the_one_before_it_stays(city: Path) -> None:
    before = queries.in_service()
    broken = tables()
    del broken["stop_times.txt"]
    write_feed(city / "gtfs.zip", broken)
    with pytest.raises(Invalid, match=r"stop_times\.txt") as refusal:
        load()
    assert "stays in service" in refusal.value.mend
    assert queries.in_service() == before
    assert Stop.objects.count() == 5
    refused = FeedVersion.objects.get(state=FeedVersion.State.REFUSED)
    assert any("stop_times.txt" in str(problem) for problem in refused.report["problems"])
    assert Entry.objects.filter(type="transit.feed.refused").count() == 1


def test_what_is_no_zip_is_refused(city: Path) -> None:
    (city / "gtfs.zip").write_bytes(b"not a zip at all")
    with pytest.raises(Invalid, match="refused"):
        load()
    assert queries.in_service() is not None


def test_a_missing_file_is_named(city: Path) -> None:
    (city / "gtfs.zip").unlink()
    with pytest.raises(Invalid, match=r"gtfs\.zip is not in the city's folder"):
        load()


def test_a_new_feed_takes_the_place_of_the_old_one(city: Path) -> None:
    changed = tables()
    changed["stops.txt"] += "far,Far Away,-30.0600,-51.2300,1\n"
    write_feed(city / "gtfs.zip", changed)
    load()
    assert Stop.objects.count() == 6
    assert FeedVersion.objects.filter(state=FeedVersion.State.IN_SERVICE).count() == 1
    assert FeedVersion.objects.filter(state=FeedVersion.State.RETIRED).count() == 1


def test_reading_the_same_feed_again_changes_nothing_for_riders(city: Path) -> None:
    load()
    assert Stop.objects.count() == 5
    assert queries.in_service() is not None
