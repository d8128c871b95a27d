"""A city's feed, quirks and all: what RAPTOR answers is what a plain Dijkstra over the raw feed answers.

Our own (`tests/quirky.py`) everywhere, and a real one where it is on the machine.
"""

from __future__ import annotations

import random
from datetime import date
from pathlib import Path

import pytest

from cityhall.engines.gtfs import read_feeds
from cityhall.engines.timetable import Router, Timetable, Wishes
from tests import quirky
from tests.engines.timetable.raw_feed import RawFeed

REAL = Path(__file__).parents[4] / "shared" / "data" / "porto-alegre" / "poa_eptc.zip"
SEARCHES, GOALS = 50, 20
MAX_RIDES = 7


def test_our_own_feed_is_answered_as_a_plain_search_does(tmp_path: Path) -> None:
    agree(quirky.write(tmp_path / "quirky.zip"), quirky.DAY, SEARCHES // 2)


@pytest.mark.slow
@pytest.mark.skipif(not REAL.exists(), reason="the real feed is not on this machine")
def test_a_thousand_random_queries_are_answered_as_a_plain_search_does() -> None:
    agree(REAL, date(2019, 5, 15), SEARCHES)


def agree(feed: Path, day: date, searches: int) -> None:
    """Asks both the same random questions."""
    schedule, _ = read_feeds([feed])
    times = schedule.stop_times
    filled = {
        trip: list(zip(times.arrival[first:last].tolist(), times.departure[first:last].tolist(), strict=True))
        for trip, first, last in zip(
            schedule.trips.id, schedule.trips.first[:-1].tolist(), schedule.trips.first[1:].tolist(), strict=True
        )
    }
    raw = RawFeed(feed, day, filled)
    router = Router(Timetable.from_gtfs([feed], day))
    rows = {stop: row for row, stop in enumerate(schedule.stops.id)}
    draw = random.Random(7)
    served = sorted(raw.departures)
    found = 0
    for _ in range(searches):
        # One plain search finds the way to many goals: it is the slow part.
        origin, *goals = draw.sample(served, 1 + GOALS)
        departure = draw.randrange(8 * 3600, 16 * 3600)
        known = raw.earliest_arrivals(origin, set(goals), departure)
        sources = router.around(rows[origin], outwards=True)
        for goal in goals:
            targets = router.around(rows[goal], outwards=False)
            direct = sources.seconds[sources.stops == rows[goal]]
            walk = int(direct[0]) if direct.size else 2**30
            journeys = router.earliest_arrival(sources, targets, departure, Wishes(max_rides=MAX_RIDES), walk=walk)
            expected = known.get(goal)
            arrival = min((journey.arrival for journey in journeys), default=None)
            if expected is not None and expected[1] > MAX_RIDES:
                assert arrival is None or arrival >= expected[0]
            else:
                assert arrival == (expected and expected[0]), (origin, goal, departure)
            found += arrival is not None
    assert found > searches * GOALS * 0.9
