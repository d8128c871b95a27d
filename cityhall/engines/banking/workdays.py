"""Days on which euro payments are settled: TARGET is closed on weekends and six days a year (ECB)."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache


def is_target_day(day: date) -> bool:
    """Whether banks settle euro payments on the day."""
    return day.weekday() < 5 and day not in _closed(day.year)


def next_target_day(day: date) -> date:
    """The day itself, or the first after it on which banks settle."""
    while not is_target_day(day):
        day += timedelta(days=1)
    return day


@cache
def _closed(year: int) -> frozenset[date]:
    easter = _easter(year)
    fixed = (date(year, 1, 1), date(year, 5, 1), date(year, 12, 25), date(year, 12, 26))
    return frozenset((*fixed, easter - timedelta(days=2), easter + timedelta(days=1)))


def _easter(year: int) -> date:
    """Easter Sunday, Gregorian (the anonymous algorithm, Nature, 20 April 1876)."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    m = (a + 11 * h) // 319
    r = (2 * e + 2 * i - k - h + m + 32) % 7
    month, day = divmod(h - m + r + 90, 25)[0], 0
    day = (h - m + r + month + 19) % 32
    return date(year, month, day)
