"""The SLA clock against a slow oracle: one that looks at every quarter of an hour by itself."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityhall.kernel.cases.calendars import WorkingCalendar, city_calendar
from cityhall.kernel.cases.clock import AMBER, Clock
from cityhall.kernel.city.file import City

STEP = timedelta(minutes=15)
ZONES = ["America/Sao_Paulo", "Europe/Lisbon", "Australia/Lord_Howe", "Asia/Seoul", "America/New_York", "Asia/Gaza"]
MOMENTS = [
    datetime(2018, 11, 2, tzinfo=UTC),  # São Paulo: midnight is skipped on the 4th
    datetime(2018, 2, 15, tzinfo=UTC),  # and repeated on the 18th
    datetime(2026, 3, 27, tzinfo=UTC),
    datetime(2026, 10, 23, tzinfo=UTC),
    datetime(2026, 4, 3, tzinfo=UTC),  # Lord Howe: half an hour
    datetime(2026, 12, 30, tzinfo=UTC),
]


def works(calendar: WorkingCalendar, moment: datetime) -> bool:
    """Whether a moment is working time, as one reads it from a clock on the wall and a calendar beside it."""
    wall = moment.astimezone(calendar.zone)
    if wall.date() in calendar.closed:
        return False
    return any(
        opens <= wall.time() and (closes == time.min or wall.time() < closes)
        for opens, closes in calendar.week[wall.weekday()]
    )


def quarters(start: datetime, end: datetime) -> list[datetime]:
    return [start + STEP * number for number in range(max(0, int((end - start) / STEP)))]


@st.composite
def calendars(draw: st.DrawFn) -> WorkingCalendar:
    clock = st.integers(0, 95).map(lambda quarter: time(quarter // 4, quarter % 4 * 15))

    def day() -> tuple[tuple[time, time], ...]:
        marks = sorted(set(draw(st.lists(clock, max_size=4))))
        if marks and draw(st.booleans()):
            return (*zip(marks[:-1:2], marks[1:-1:2], strict=False), (marks[-1], time.min))
        return tuple(zip(marks[::2], marks[1::2], strict=False))

    zone = ZoneInfo(draw(st.sampled_from(ZONES)))
    days = [date(2026, 3, 29), date(2018, 11, 4), date(2026, 10, 25), date(2027, 1, 1)]
    return WorkingCalendar(zone, tuple(day() for _ in range(7)), frozenset(draw(st.sets(st.sampled_from(days)))))


moments = st.builds(lambda base, step: base + STEP * step, st.sampled_from(MOMENTS), st.integers(0, 4 * 24 * 6))


@given(calendars(), moments, st.integers(-10, 4 * 24 * 9))
def test_working_time_between_two_moments(calendar: WorkingCalendar, start: datetime, steps: int) -> None:
    end = start + STEP * steps
    assert calendar.between(start, end) == STEP * sum(works(calendar, one) for one in quarters(start, end))


@given(calendars(), moments, st.integers(1, 200))
def test_the_moment_after_an_amount_is_the_first_one(calendar: WorkingCalendar, start: datetime, steps: int) -> None:
    found = calendar.after(start, STEP * steps)
    if found is None or found - start > timedelta(days=30):
        return
    assert calendar.between(start, found) == STEP * steps
    assert works(calendar, found - STEP), "it ends in working time, or it would have ended before"


@given(calendars(), moments, st.lists(st.integers(0, 96 * 2), min_size=1, max_size=7), st.integers(4, 200))
def test_pauses_and_reopenings(calendar: WorkingCalendar, start: datetime, gaps: list[int], promised: int) -> None:
    """The clock runs, stands, runs again ...: what it has used is the working quarters in which it ran."""
    clock, now, used = Clock(STEP * promised).run(start), start, 0
    for number, gap in enumerate(gaps):
        then = now + STEP * gap
        if number % 2 == 0:
            used += sum(works(calendar, one) for one in quarters(now, then))
        assert clock.elapsed(calendar, then) == STEP * used
        light = clock.light(calendar, then)
        assert (light == "red") == (used >= promised)
        assert (light == "green") == (used < promised * AMBER)
        due = clock.due(calendar)
        assert due is None or due - now > timedelta(days=60) or (due <= then) == (used >= promised)
        clock = clock.stand(calendar, then) if number % 2 == 0 else clock.run(then)
        now = then


@given(calendars(), moments, st.integers(1, 300))
def test_a_clock_that_is_set_back_takes_nothing_away(calendar: WorkingCalendar, start: datetime, steps: int) -> None:
    clock = Clock(STEP * 40, used=STEP * 3).run(start)
    assert clock.stand(calendar, start - STEP * steps).used == STEP * 3


def city(**options: object) -> City:
    return City("X", "x", "America/Sao_Paulo", ("pt",), "BRL", (), (0, 0), (0, 0, 1, 1), options={"cases": options})


def test_the_citys_public_holidays_are_known() -> None:
    calendar = city_calendar(city(), "office")
    zone = ZoneInfo("America/Sao_Paulo")
    # Friday 4 September 2026, 16:00; Monday the 7th is Independence Day.
    start = datetime(2026, 9, 4, 16, tzinfo=zone)
    assert calendar.after(start, timedelta(hours=2)) == datetime(2026, 9, 8, 9, tzinfo=zone)
    assert city_calendar(city(country=""), "office").after(start, timedelta(hours=2)) == datetime(
        2026, 9, 7, 9, tzinfo=zone
    )
    assert city_calendar(city(), "always").after(start, timedelta(hours=2)) == start + timedelta(hours=2)


def test_hours_and_days_of_the_citys_own() -> None:
    own = city_calendar(city(hours={"mon": "09:00-12:00 20:00-24:00"}, holidays=["2026-11-30"], country=""), "office")
    zone = own.zone
    assert own.after(datetime(2026, 11, 23, 8, tzinfo=zone), timedelta(hours=7)) == datetime(2026, 11, 24, tzinfo=zone)
    assert own.after(datetime(2026, 11, 24, tzinfo=zone), timedelta(hours=1)) == datetime(2026, 12, 7, 10, tzinfo=zone)


@pytest.mark.parametrize("hours", ["9-17", "17:00-09:00", "nine"])
def test_hours_that_cannot_be_read_are_named(hours: str) -> None:
    with pytest.raises(ValueError):
        city_calendar(city(hours={"mon": hours}), "office")


def test_without_any_working_time_nothing_is_ever_due() -> None:
    never = WorkingCalendar(ZoneInfo("UTC"), ((),) * 7)
    assert Clock(STEP).run(MOMENTS[0]).due(never) is None
