"""What may be booked, reckoned minute by minute on the clock on the wall: slow, short, and nothing of the program's."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
DAYS = 12


@lru_cache(maxsize=32)
def walls(zone: str, start: datetime) -> list[datetime]:
    """What the clock on the wall shows at each minute from `start` on."""
    return [(start + m * MINUTE).astimezone(ZoneInfo(zone)).replace(tzinfo=None) for m in range(DAYS * 1440)]


@dataclass
class Room:
    """A resource: its hours by weekday, its rule, and how many seats are taken in each minute."""

    zone: str
    start: datetime
    hours: dict[int, list[tuple[int, int]]]
    special: dict[date, list[tuple[int, int]]]
    capacity: int
    before: int
    after: int
    grid: int
    least: int
    most: int
    taken: list[int] = field(default_factory=lambda: [0] * (DAYS * 1440))

    def opening(self, minute: int) -> int | None:
        wall = walls(self.zone, self.start)[minute]
        of_day = wall.hour * 60 + wall.minute
        spans = self.special.get(wall.date(), self.hours.get(wall.weekday(), []))
        return next((opens for opens, closes in spans if opens <= of_day < closes), None)

    def refuses(self, begin: int, end: int, seats: int) -> str:
        """ "" or why [begin, end), in minutes from the start, cannot be booked."""
        if begin >= end:
            return "bad_time"
        if any(self.opening(minute) is None for minute in range(begin, end)):
            return "closed"
        wall = walls(self.zone, self.start)
        lengths = {end - begin, (wall[end] - wall[begin]) // MINUTE}
        if not any(self.least <= length <= self.most for length in lengths):
            return "too_short" if max(lengths) < self.least else "too_long"
        after = wall[begin].hour * 60 + wall[begin].minute - (self.opening(begin) or 0)
        if self.grid and (after % self.grid or all(length % self.grid for length in lengths)):
            return "off_grid"
        return "" if self.fits(begin, end, seats) else "taken"

    def fits(self, begin: int, end: int, seats: int) -> bool:
        around = self.taken[begin - self.before : end + self.after]
        return max(around) + seats <= self.capacity

    def book(self, begin: int, end: int, seats: int) -> tuple[int, int]:
        """Takes it, buffers and all; gives what was taken, which is frozen."""
        span = begin - self.before, end + self.after
        self.add(span, seats)
        return span

    def add(self, span: tuple[int, int], seats: int) -> None:
        for minute in range(*span):
            self.taken[minute] += seats

    def minute_of(self, day: date, of_day: int) -> int:
        """The minute at which the wall shows that; in an hour that is skipped, by the clock before (RFC 5545)."""
        wanted = datetime(day.year, day.month, day.day) + of_day * MINUTE
        before = 0
        for minute, wall in enumerate(walls(self.zone, self.start)):
            if wall == wanted:
                return minute
            if wall > wanted:
                return before + (wanted - walls(self.zone, self.start)[before]) // MINUTE
            before = minute
        raise AssertionError(wanted)


WEEKS = {
    "Berlin, spring": ("Europe/Berlin", datetime(2026, 3, 26, tzinfo=UTC)),
    "Berlin, autumn": ("Europe/Berlin", datetime(2026, 10, 22, tzinfo=UTC)),
    "São Paulo, spring": ("America/Sao_Paulo", datetime(2018, 11, 1, tzinfo=UTC)),
    "São Paulo, autumn": ("America/Sao_Paulo", datetime(2018, 2, 15, tzinfo=UTC)),
    "Tehran, spring": ("Asia/Tehran", datetime(2022, 3, 19, tzinfo=UTC)),
    "Tehran, autumn": ("Asia/Tehran", datetime(2022, 9, 19, tzinfo=UTC)),
}
