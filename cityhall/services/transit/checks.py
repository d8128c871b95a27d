"""What `cityhall check` finds of the service."""

from __future__ import annotations

from collections.abc import Iterator

from cityhall.services.transit import timetables, validity
from cityhall.services.transit.doors import options as polled


def check() -> Iterator[tuple[str, str, str]]:
    """(level, what, mend) of every finding."""
    missing = [path.name for path in timetables.feed_files() if not path.is_file()]
    if missing:
        yield (
            "error",
            f"transit: {', '.join(missing)} is not in the city's folder.",
            "Put it there, or mend [data] gtfs.",
        )
    yield from validity.findings()
    yield from polled.check()
