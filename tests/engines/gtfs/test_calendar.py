"""Calendars against a naive expansion, day by day, of what calendar.txt and calendar_dates.txt say."""

from __future__ import annotations

from dataclasses import fields
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityhall.engines.gtfs import FeedError, Schedule, read_feeds
from tests.feeds import tables, write_feed

WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DAYS = st.dates(date(2019, 11, 1), date(2020, 4, 30))
Rule = tuple[int, tuple[bool, ...], date, date]
RULES = st.lists(st.tuples(st.integers(0, 3), st.tuples(*[st.booleans()] * 7), DAYS, DAYS), max_size=6)
EXCEPTIONS = st.lists(st.tuples(st.integers(0, 3), DAYS, st.booleans()), max_size=12)


def read(rules: list[Rule], exceptions: list[tuple[int, date, bool]], used: tuple[int, ...] = (0, 1, 2, 3)) -> Schedule:
    """A feed of a trip for each service in `used`, as the reader has it."""
    texts = tables()
    head = texts["trips.txt"].splitlines()[0] + "\n"
    texts["trips.txt"] = head + "".join(f"R1,S{service},T{service},,0,1\n" for service in used)
    texts["stop_times.txt"] = "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n" + "".join(
        f"T{service},08:0{minute}:00,08:0{minute}:00,{stop},{minute}\n"
        for service in used
        for minute, stop in ((1, "harbour"), (2, "square"))
    )
    texts["calendar.txt"] = ",".join(("service_id", *WEEK, "start_date", "end_date")) + "\n"
    for service, week, start, end in rules:
        marks = ",".join(str(int(mark)) for mark in week)
        texts["calendar.txt"] += f"S{service},{marks},{start:%Y%m%d},{end:%Y%m%d}\n"
    texts["calendar_dates.txt"] = "service_id,date,exception_type\n" + "".join(
        f"S{service},{day:%Y%m%d},{1 if added else 2}\n" for service, day, added in exceptions
    )
    with TemporaryDirectory() as folder:
        return read_feeds([write_feed(Path(folder) / "gtfs.zip", texts)])[0]


def expanded(rules: list[Rule], exceptions: list[tuple[int, date, bool]]) -> dict[date, set[str]]:
    """The services of each day that has any."""
    running: set[tuple[int, date]] = set()
    for service, week, start, end in rules:
        day = start
        while day <= end:
            if week[day.weekday()]:
                running.add((service, day))
            day += timedelta(days=1)
    for service, day, added in exceptions:
        if added:
            running.add((service, day))
        else:
            running.discard((service, day))
    found: dict[date, set[str]] = {}
    for service, day in running:
        found.setdefault(day, set()).add(f"S{service}")
    return found


@settings(max_examples=60, deadline=None)
@given(rules=RULES, exceptions=EXCEPTIONS)
def test_each_day_has_the_services_of_the_naive_expansion(
    rules: list[Rule], exceptions: list[tuple[int, date, bool]]
) -> None:
    # Every service has a first rule that never runs, so that the feed knows it; rows with dates swapped are dropped.
    never = [(service, (False,) * 7, date(2020, 1, 1), date(2020, 1, 1)) for service in range(4)]
    wanted = expanded([rule for rule in rules if rule[2] <= rule[3]], exceptions)
    if not wanted:
        with pytest.raises(FeedError, match="No trip runs on any day"):
            read([*never, *rules], exceptions)
        return
    schedule = read([*never, *rules], exceptions)
    services = schedule.services
    names = np.array(services.id)
    assert schedule.valid_days() == (min(wanted), max(wanted))
    day = date(2019, 10, 1)
    while day < date(2020, 6, 1):
        assert set(names[services.on(day)]) == wanted.get(day, set()), day
        day += timedelta(days=1)
    told = {frozenset(names[services.on_ordinal(day)]) for day in services.telling_days()}
    assert {frozenset(names) for names in wanted.values()} <= told


def test_memory_does_not_grow_with_the_years() -> None:
    def size(end: date) -> int:
        services = read([(0, (True,) * 7, date(2008, 1, 1), end)], [(0, date(2009, 12, 25), False)], (0,)).services
        arrays = (getattr(services, column.name) for column in fields(services))
        return sum(array.nbytes for array in arrays if isinstance(array, np.ndarray))

    assert size(date(2008, 12, 31)) == size(date(9999, 12, 31)) < 100


def test_an_end_that_is_open_is_far_away_and_can_be_reckoned_from() -> None:
    schedule = read([(0, (True,) * 7, date(2008, 1, 1), date(9999, 12, 31))], [], (0,))
    first, last = schedule.valid_days()
    assert (first, last) == (date(2008, 1, 1), date(9998, 12, 31))
    assert schedule.services.on(last)[0] and not schedule.services.on(last + timedelta(days=1))[0]


def test_a_service_without_trips_does_not_make_the_feed_longer() -> None:
    rules = [
        (0, (True,) * 7, date(2020, 1, 1), date(2020, 1, 31)),
        (1, (True,) * 7, date(2020, 1, 1), date(2099, 1, 1)),
    ]
    assert read(rules, [], (0,)).valid_days() == (date(2020, 1, 1), date(2020, 1, 31))
