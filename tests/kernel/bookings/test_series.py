"""Series: the same hour on the wall clock, what could not be had with its reason, edits that stay where they belong."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from cityhall.kernel.bookings import recurring
from cityhall.kernel.bookings.actions import cancel, move
from cityhall.kernel.bookings.models import Booking, Resource, Series
from cityhall.kernel.bookings.resources import set_days
from cityhall.kernel.bookings.series import edit, end, make
from cityhall.kernel.clock import running_from
from cityhall.kernel.errors import Conflict, Denied, Invalid
from cityhall.kernel.people.actors import person_actor
from cityhall.kernel.people.models import Person
from tests.kernel.bookings.test_bookings import refused
from tests.kernel.bookings.world import DAY, OFFICE, at, booked, person, room

pytestmark = pytest.mark.django_db
WEEK = timedelta(days=7)


def weekly(hall: Resource, who: Person, count: int = 4, **more: Any) -> Series:
    """Mondays from 10 to 12."""
    asked = {"who": who, "key": uuid4(), "actor": person_actor(who)} | more
    return make([hall], f"FREQ=WEEKLY;COUNT={count}", DAY.date(), 600, 120, **asked)


def had(series: Series) -> list[tuple[int, str, str]]:
    """(weeks from the first, begin of its booking if it is live, reason) of each occurrence."""
    return [
        (
            (one.day - DAY.date()).days // 7,
            f"{one.booking.begin:%d %H}" if one.booking and one.booking.is_live else "",
            one.refused,
        )
        for one in series.occurrences.select_related("booking")
    ]


def test_what_cannot_be_had_is_kept_with_its_reason() -> None:
    hall, ana = room(), person()
    booked(hall, 11 + 24 * 7, 12 + 24 * 7)
    set_days(OFFICE, hall, {(DAY + 2 * WEEK).date(): []})
    key = uuid4()
    series = weekly(hall, ana, key=key)
    assert had(series) == [(0, "03 10", ""), (1, "", "taken"), (2, "", "closed"), (3, "24 10", "")]
    assert weekly(hall, ana, key=key) == series and Booking.objects.filter(person=ana).count() == 2
    with refused(Conflict, "nothing_free"):
        weekly(hall, person("bob"), count=1)
    assert Series.objects.count() == 1


def test_an_edit_touches_neither_the_past_nor_others_nor_what_was_changed_by_itself() -> None:
    hall, ana, bob = room(), person(), person("bob")
    series = weekly(hall, ana, count=6)
    mine = [one.booking for one in series.occurrences.select_related("booking")]
    others = booked(hall, 12 + 24 * 7 * 5, 13 + 24 * 7 * 5, bob)
    move(mine[2], at(15, day=14), at(16, day=14), person_actor(ana))
    cancel(mine[3], person_actor(ana))
    with running_from(at(10.5)):
        with refused(Denied, "denied"):
            edit(series, person_actor(bob), since=DAY.date(), opens=660)
        series = edit(series, person_actor(ana), since=DAY.date(), opens=660)
    # The first has begun; the third and fourth were changed; the last one's new time is another's.
    assert had(series) == [
        (0, "03 10", ""),
        (1, "10 11", ""),
        (2, "17 15", ""),
        (3, "", ""),
        (4, "31 11", ""),
        (5, "07 10", "taken"),
    ]
    assert Booking.objects.get(pk=others.pk).begin == others.begin


def test_a_rule_that_changes_takes_days_away_and_adds_some() -> None:
    hall, ana = room(), person()
    series = weekly(hall, ana)
    series = edit(series, OFFICE, since=(DAY + WEEK).date(), rule="FREQ=WEEKLY;INTERVAL=2;COUNT=3")
    assert had(series) == [(0, "03 10", ""), (1, "", ""), (2, "17 10", ""), (3, "", ""), (4, "31 10", "")]
    series = edit(series, OFFICE, since=(DAY + WEEK).date(), rule="FREQ=WEEKLY;COUNT=3")
    assert had(series)[:4] == [(0, "03 10", ""), (1, "10 10", ""), (2, "17 10", ""), (3, "", "")]
    end(series, person_actor(ana), since=(DAY + 2 * WEEK).date())
    assert [begin for _week, begin, _why in had(series)] == ["03 10", "10 10", "", "", ""]


def test_a_daily_night_series_moves_to_later_without_being_in_its_own_way() -> None:
    hall = room()
    series = make([hall], "FREQ=DAILY;COUNT=5", DAY.date(), 20 * 60, 600, who=None, key=uuid4(), actor=OFFICE)
    series = edit(series, OFFICE, since=DAY.date(), opens=23 * 60, minutes=24 * 60)
    assert all(not why and begin.endswith("23") for _week, begin, why in had(series))
    series = edit(series, OFFICE, since=DAY.date(), opens=60)
    assert all(not why and begin.endswith("01") for _week, begin, why in had(series))


@pytest.mark.parametrize(
    ("zone", "year", "month", "day", "opens"),
    [
        ("Europe/Berlin", 2030, 3, 17, 9 * 60),
        ("Europe/Berlin", 2030, 10, 13, 22 * 60),
        ("America/Santiago", 2030, 8, 25, 0),
        ("Australia/Lord_Howe", 2030, 9, 22, 30),
    ],
)
def test_the_wall_clock_stays_across_a_change_of_the_clocks(
    zone: str, year: int, month: int, day: int, opens: int
) -> None:
    hall = room(zone=zone)
    series = make(
        [hall], "FREQ=WEEKLY;COUNT=8", date(year, month, day), opens, 480, who=None, key=uuid4(), actor=OFFICE
    )
    booked = [one.booking for one in series.occurrences.select_related("booking")]
    walls = [one.begin.astimezone(ZoneInfo(zone)) for one in booked]
    assert {one.utcoffset() for one in walls} != {walls[0].utcoffset()}
    midnight = datetime.combine(date(2030, 1, 1), datetime.min.time())
    usual = (midnight + timedelta(minutes=opens)).time()
    # Santiago's midnight that never was is at one o'clock.
    assert sum(one.time() != usual for one in walls) == (1 if zone.endswith("Santiago") else 0)
    ends = {one.end.astimezone(ZoneInfo(zone)).time() for one in booked}
    assert ends == {(midnight + timedelta(minutes=opens + 480)).time()}


def test_rules_have_an_end_and_no_tricks() -> None:
    first = date(2031, 1, 31)
    assert recurring.days("FREQ=MONTHLY;COUNT=3", first) == [date(2031, 1, 31), date(2031, 3, 31), date(2031, 5, 31)]
    assert recurring.days("FREQ=WEEKLY;BYDAY=MO,WE;UNTIL=20310205", first) == [date(2031, 2, 3), date(2031, 2, 5)]
    for bad in (
        "FREQ=WEEKLY",
        "FREQ=WEEKLY;COUNT=0",
        "FREQ=DAILY;INTERVAL=0;COUNT=3",
        "FREQ=DAILY;COUNT=401",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;COUNT=1",
        "FREQ=HOURLY;COUNT=3",
        "FREQ=DAILY;COUNT=3;BYHOUR=1",
        "FREQ=DAILY;UNTIL=20310230",
        "FREQ=DAILY;BYDAY=XX;COUNT=3",
        "COUNT=3",
        "",
        "FREQ=DAILY;COUNT=3;COUNT=4",
        "FREQ=DAILY;BYSETPOS=0;COUNT=3",
    ):
        with refused(Invalid, "bad_rule"):
            recurring.days(bad, first)
    assert datetime(2031, 1, 31, tzinfo=UTC).date() == first
