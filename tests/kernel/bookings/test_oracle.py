"""Bookings, series and what pages show as free, beside an oracle that counts minutes, in weeks whose clocks change.

BOOKINGS=10000 for as many bookings as that; the suite tries some hundreds.
"""

from __future__ import annotations

import os
from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cityhall.kernel.bookings import queries
from cityhall.kernel.bookings.actions import book, cancel
from cityhall.kernel.bookings.models import Booking, Resource
from cityhall.kernel.bookings.resources import Open, Takes, keep_resource, set_days
from cityhall.kernel.bookings.series import make
from cityhall.kernel.clock import running_from
from cityhall.kernel.errors import CityhallError
from tests.kernel.bookings.oracle import MINUTE, WEEKS, Room
from tests.kernel.bookings.world import OFFICE

STEPS = 25
BOOKINGS = int(os.environ.get("BOOKINGS", "400"))
spans = st.sampled_from(
    [[], [(0, 1440)], [(480, 720), (780, 1080)], [(0, 60), (90, 1440)], [(1200, 1440)], [(0, 480)], [(30, 1410)]]
)
rooms = st.fixed_dictionaries(
    {
        "hours": st.lists(spans, min_size=7, max_size=7),
        "special": st.dictionaries(st.integers(2, 8), spans, max_size=2),
        "capacity": st.integers(1, 3),
        "before": st.sampled_from([0, 15, 30]),
        "after": st.sampled_from([0, 10, 60]),
        "grid": st.sampled_from([0, 15, 30, 60]),
        "least": st.sampled_from([1, 30, 60]),
        "most": st.sampled_from([120, 480, 1440]),
        "house": st.sampled_from([0, 2, 4]),
    }
)
# Most wishes near the change of the clocks and on round minutes, or nothing would ever meet.
wishes = st.tuples(
    st.sampled_from(["book", "book", "book", "cancel", "series", "buffers"]),
    st.integers(24 * 4, 24 * 4 * 9).map(lambda quarter: quarter * 15) | st.integers(1440, 1440 * 9),
    st.sampled_from([30, 60, 60, 90, 120, 240, 480, 540, 1380, 1440, 1500]) | st.integers(1, 300),
    st.integers(1, 2),
)


class Trial:
    """One world: the program's and the oracle's."""

    def __init__(self, week: str, rules: dict[str, Any]) -> None:
        self.zone, self.start = WEEKS[week]
        first = self.start.date()
        special = {first + timedelta(days=day): hours for day, hours in rules["special"].items()}
        shape = {name: rules[name] for name in ("capacity", "before", "after", "grid", "least", "most")}
        hours = dict(enumerate(rules["hours"]))
        self.oracle = Room(self.zone, self.start, hours, special, **shape)
        self.house = Room(self.zone, self.start, {day: [(0, 1440)] for day in range(7)}, {}, rules["house"], *[0] * 5)
        self.names = {
            "capacity": rules["capacity"],
            "grid_min": rules["grid"],
            "least_min": rules["least"],
            "most_min": rules["most"],
        }
        also = []
        if rules["house"]:
            house = keep_resource(
                OFFICE, "house", owner="tests", name="House", capacity=rules["house"], always_open=True, zone=self.zone
            )
            also = [Takes(house, per_seat=True)]
        hours_of = [Open(day, *span) for day, found in hours.items() for span in found]
        self.resource = self.keep(hours=hours_of, also=also)
        set_days(OFFICE, self.resource, special)
        self.booked: dict[int, list[tuple[Room, tuple[int, int], int]]] = {}

    def keep(self, **more: Any) -> Resource:
        buffers = {"before_min": self.oracle.before, "after_min": self.oracle.after}
        return keep_resource(
            OFFICE, "room", owner="tests", name="Room", zone=self.zone, **self.names, **buffers, **more
        )

    def at(self, minute: int) -> datetime:
        return self.start + minute * MINUTE

    def refuses(self, begin: int, end: int, seats: int) -> str:
        why = self.oracle.refuses(begin, end, seats)
        if not why and self.house.capacity and not self.house.fits(begin, end, seats):
            return "taken"
        return why

    def took(self, booking: Booking, begin: int, end: int, seats: int) -> None:
        rooms = [self.oracle, self.house] if self.house.capacity else [self.oracle]
        self.booked[booking.pk] = [(room, room.book(begin, end, seats), seats) for room in rooms]

    def book(self, begin: int, length: int, seats: int) -> None:
        end = begin + length
        why = self.refuses(begin, end, seats)
        self.look(begin, end, seats, why)
        try:
            made = book([self.resource], self.at(begin), self.at(end), who=None, key=uuid4(), actor=OFFICE, seats=seats)
        except CityhallError as refusal:
            assert refusal.code == why, (refusal, why, self.at(begin), self.at(end), seats)
            return
        assert not why, (why, self.at(begin), self.at(end), seats)
        self.took(made, begin, end, seats)

    def look(self, begin: int, end: int, seats: int, why: str) -> None:
        """What is shown as free is what can be booked, but for lengths and grid."""
        margin = timedelta(hours=6)
        windows = queries.free([self.resource], self.at(begin) - margin, self.at(end) + margin, seats=seats)
        inside = any(opens <= self.at(begin) and self.at(end) <= closes for opens, closes in windows[self.resource.pk])
        if why in ("", "taken", "closed"):
            assert inside is (why == ""), (windows, self.at(begin), self.at(end), why)

    def cancel(self, which: int) -> None:
        if self.booked:
            number = sorted(self.booked)[which % len(self.booked)]
            cancel(Booking.objects.get(pk=number), OFFICE)
            for room, span, seats in self.booked.pop(number):
                room.add(span, -seats)

    def buffers(self, before: int, after: int) -> None:
        """Other buffers from now on; those of what is booked are as they were."""
        self.oracle.before, self.oracle.after = before, after
        self.resource = self.keep()

    def series(self, begin: int, length: int, seats: int) -> None:
        wall = self.at(begin).astimezone(self.resource_zone()).replace(tzinfo=None)
        day, opens = wall.date(), wall.hour * 60 + wall.minute
        days = [day + timedelta(days=2 * number) for number in range(3)]
        days = [one for one in days if one <= self.start.date() + timedelta(days=9)]
        expected: dict[date, str] = {}
        spans: dict[date, tuple[int, int]] = {}
        undo: list[tuple[Room, tuple[int, int]]] = []
        for one in days:
            span = self.oracle.minute_of(one, opens), self.oracle.minute_of(one, opens + length)
            why = self.refuses(*span, seats)
            expected[one], spans[one] = why, span
            if not why:
                for room in [self.oracle, self.house] if self.house.capacity else [self.oracle]:
                    undo.append((room, room.book(*span, seats)))
        for room, taken in undo:
            room.add(taken, -seats)
        rule = f"FREQ=DAILY;INTERVAL=2;COUNT={len(days)}"
        try:
            made = make([self.resource], rule, day, opens, length, who=None, key=uuid4(), actor=OFFICE, seats=seats)
        except CityhallError as refusal:
            assert refusal.code == "nothing_free" and all(expected.values()), (refusal, expected)
            return
        for occurrence in made.occurrences.select_related("booking"):
            assert occurrence.refused == expected[occurrence.day], (occurrence.day, expected)
            if occurrence.booking is not None:
                span = spans[occurrence.day]
                assert (occurrence.booking.begin, occurrence.booking.end) == (self.at(span[0]), self.at(span[1]))
                self.took(occurrence.booking, *span, seats)

    def resource_zone(self) -> Any:
        from zoneinfo import ZoneInfo

        return ZoneInfo(self.zone)

    def page(self, length: int, day: int) -> None:
        """Every slot of a day that a page shows is as the oracle says."""
        begin = day * 1440
        for slot in queries.slots(self.resource, self.at(begin), self.at(begin + 1440), length):
            span = [(moment - self.start) // MINUTE for moment in (slot.begin, slot.end)]
            why = self.refuses(span[0], span[1], 1)
            assert why == ("" if slot.is_free else "taken"), (slot, why)


@pytest.mark.django_db
@settings(
    max_examples=max(1, BOOKINGS // STEPS), deadline=None, suppress_health_check=list(HealthCheck), print_blob=True
)
@given(week=st.sampled_from(sorted(WEEKS)), rules=rooms, steps=st.lists(wishes, min_size=STEPS, max_size=STEPS))
def test_bookings_are_as_the_oracle_says(week: str, rules: dict[str, Any], steps: list[tuple[Any, ...]]) -> None:
    with transaction.atomic(), running_from(WEEKS[week][1]):
        trial = Trial(week, rules)
        for kind, begin, length, seats in steps:
            if kind == "book":
                trial.book(begin, length, seats)
            elif kind == "series":
                trial.series(begin, length, seats)
            elif kind == "cancel":
                trial.cancel(begin)
            else:
                trial.buffers(begin % 3 * 15, length % 2 * 20)
        trial.page(60, 3)
        transaction.set_rollback(True)
