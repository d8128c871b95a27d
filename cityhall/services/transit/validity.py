"""What is to be told of the timetable in service: what of the feeds was left out, and until when they are valid."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from functools import lru_cache
from pathlib import Path

import numpy as np

from cityhall.kernel.errors import Unavailable
from cityhall.services.transit import timetables
from cityhall.services.transit.days import today, usual_day
from cityhall.services.transit.models import FeedVersion
from cityhall.services.transit.queries import in_service

Finding = tuple[str, str, str]
"""Level, what was seen, how to mend it."""


def findings() -> Iterator[Finding]:
    """Of the timetable in service; nothing is there before the first."""
    version = in_service()
    if version is None:
        yield "warning", "transit: no timetable has been loaded.", "Run cityhall load transit."
        return
    if version.last_day and version.last_day < today():
        yield (
            "warning",
            f"transit: the timetable ended on {version.last_day}; journeys are planned on its days.",
            "Ask the operator for the present feed.",
        )
    elif version.last_day:
        yield "ok", f"transit: the timetable runs until {version.last_day}.", ""
        yield from _each_feed()
    yield from _left_out(version)


def _each_feed() -> Iterator[Finding]:
    """The feeds that have ended, or have not begun, beside others that run."""
    try:
        feeds = timetables.service().schedule.feeds
    except Unavailable as problem:
        yield "error", f"transit: {problem.message}", str(problem.mend)
        return
    now = today().toordinal()
    for name, first, last in zip(feeds.name, feeds.first_day.tolist(), feeds.last_day.tolist(), strict=True):
        if last and last < now:
            what = f"transit: {name} ended on {date.fromordinal(last)}: its lines have no departures."
            yield "warning", what, "Ask its operator for the present feed."
        elif first > now:
            what = f"transit: {name} begins on {date.fromordinal(first)}: until then its lines have no departures."
            yield "warning", what, "Load the feed before it, or both together."


def _left_out(version: FeedVersion) -> Iterator[Finding]:
    """Each kind of thing that the reader warned of, with how many there are and where the first is."""
    told: set[str] = set()
    for problem in version.report.get("problems", ()):
        code = problem["code"]
        if problem["severity"] != "warning" or code in told:
            continue
        told.add(code)
        number = version.report["counts"].get(code, 1)
        place = f"{problem['file']}, line {problem['line']}" if problem["line"] else problem["file"]
        more = f" ({number:,} of this kind)" if number > 1 else ""
        yield "warning", f"transit: {place}: {problem['message']}{more}", problem["mend"]


def not_running(routes: Iterable[str]) -> list[tuple[str, tuple[date, date] | None]]:
    """Of some lines, by GTFS id, those whose timetable has ended or not begun: (name, first and last day).

    Nothing where all of the timetable is out of date: then a usual day is shown in the place of today.
    """
    now = today()
    if usual_day(now) != now:
        return []
    service = timetables.service()
    found = []
    for row in sorted(service.route_rows[route] for route in set(routes)):
        span = line_days(row)
        if span is None or not span[0] <= now <= span[1]:
            found.append((service.line(row), span))
    return found


def line_days(row: int) -> tuple[date, date] | None:
    """First and last day on which a line, by its row, runs; None where it never does."""
    first, last = _line_days(timetables.service().folder)[row]
    return (date.fromordinal(first), date.fromordinal(last)) if last else None


@lru_cache(maxsize=2)
def _line_days(folder: Path) -> list[tuple[int, int]]:
    """(first, last) day of each line as ordinals; zeros where it never runs."""
    schedule = timetables.service().schedule
    pairs = np.unique(np.column_stack([schedule.trips.route, schedule.trips.service]), axis=0)
    days = np.zeros((len(schedule.routes), 2), np.int64)
    for day in schedule.services.telling_days():
        routes = pairs[schedule.services.on_ordinal(day)[pairs[:, 1]], 0]
        days[routes, 0] = np.where(days[routes, 0] == 0, day, days[routes, 0])
        days[routes, 1] = day
    return [(first, last) for first, last in days.tolist()]
