"""What `cityhall check` finds of the service."""

from __future__ import annotations

from collections.abc import Iterator

from cityhall.services.transit import timetables
from cityhall.services.transit.days import today
from cityhall.services.transit.doors import options as polled
from cityhall.services.transit.queries import in_service


def check() -> Iterator[tuple[str, str, str]]:
    """(level, what, mend) of every finding."""
    missing = [path.name for path in timetables.feed_files() if not path.is_file()]
    if missing:
        yield (
            "error",
            f"transit: {', '.join(missing)} is not in the city's folder.",
            "Put it there, or mend [data] gtfs.",
        )
    version = in_service()
    if version is None:
        yield "warning", "transit: no timetable has been loaded.", "Run cityhall load transit."
    elif version.last_day and version.last_day < today():
        yield (
            "warning",
            f"transit: the timetable ended on {version.last_day}; journeys are planned on its days.",
            "Ask the operator for the present feed.",
        )
    elif version.last_day:
        yield "ok", f"transit: the timetable runs until {version.last_day}.", ""
    yield from polled.check()
