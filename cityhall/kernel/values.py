"""Values as people and programs write them in addresses and forms, and nothing for what is none.

Python by itself takes more than is meant (digits of any script count as digits, and not all of them are numbers) and
has a first and a last day, from which no other can be reckoned.
"""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, time, tzinfo
from urllib.parse import SplitResult, urlsplit

from django.utils.dateparse import parse_date, parse_datetime, parse_time
from django.utils.translation import gettext as _

from cityhall.kernel.errors import Invalid

LARGEST = 2**63 - 1
"""What the database's columns for whole numbers hold."""
EARLIEST, LATEST = datetime(2, 1, 1, tzinfo=UTC), datetime(9998, 12, 31, tzinfo=UTC)
"""Programs write 0001 and 9999 for an end that is open. A year is left on both sides, to reckon with."""


def whole(text: str, most: int = LARGEST) -> int | None:
    """A whole number from 0 to `most`."""
    if not (text.isascii() and text.isdigit()) or len(text) > len(str(LARGEST)):
        return None
    number = int(text)
    return number if number <= most else None


def decimal(text: str) -> float | None:
    """A number in ASCII with a full stop as its decimal sign, neither infinite nor "not a number"."""
    try:
        number = float(text) if text.isascii() and "_" not in text else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def position(text: str, field: str) -> tuple[float, float]:
    """(lon, lat) in degrees from "lon,lat". Raises Invalid, which names the `field` it came in."""
    numbers = [decimal(part) for part in text.split(",")]
    if len(numbers) != 2 or numbers[0] is None or numbers[1] is None:
        raise Invalid(_("This is not a position."), field=field, mend=_("Write longitude,latitude."))
    lon, lat = numbers[0], numbers[1]
    if not (abs(lon) <= 180 and abs(lat) <= 90):
        raise Invalid(_("This is not on the globe."), field=field, mend=_("Longitude comes first."))
    return lon, lat


def box(text: str, field: str = "bbox", *, across: bool = False) -> tuple[float, float, float, float]:
    """(west, south, east, north) in degrees from "west,south,east,north".

    Six numbers have heights among them (OGC 17-069r4, 7.15.3), which are left out. With `across`, west may be more
    than east: the box lies over the 180th meridian. Raises Invalid, which names the `field` it came in.
    """
    numbers = [number for number in map(decimal, text.split(",")) if number is not None]
    if len(numbers) == 6:
        numbers = [*numbers[:2], *numbers[3:5]]
    if len(numbers) == 4 and text.count(",") in (3, 5):
        west, south, east, north = numbers
        globe = max(abs(west), abs(east)) <= 180 and max(abs(south), abs(north)) <= 90
        if globe and south <= north and (across or west <= east):
            return west, south, east, north
    raise Invalid(
        _("This is no box."),
        field=field,
        code="bad_box",
        mend=_("Write west,south,east,north in degrees, as in -9.2,38.7,-9.1,38.8."),
    )


def url_parts(text: str) -> SplitResult:
    """The parts of an address of the web (RFC 3986), its port a number; none of them where it cannot be read."""
    try:
        parts = urlsplit(text.strip())
        _number = parts.port
    except ValueError:
        return urlsplit("")
    return parts


def moment(text: str, zone: tzinfo) -> datetime | None:
    """A date and time (ISO 8601), of `zone` where it names none; a day is its first moment."""
    text = text.strip()
    try:
        # In an address a plus sign that is not written as %2B comes as a blank.
        found = parse_datetime(text.replace(" ", "+") if "T" in text else text)
    except ValueError:
        found = None
    if found is None:
        return None
    return min(max(found if found.tzinfo else found.replace(tzinfo=zone), EARLIEST), LATEST)


def day(text: str) -> date | None:
    """A day (ISO 8601, 2026-11-27)."""
    try:
        found = parse_date(text.strip()) if text.isascii() else None
    except ValueError:
        return None
    return found and min(max(found, EARLIEST.date()), LATEST.date())


def clock_time(text: str) -> time | None:
    """A time of the clock (08:05, 08:05:30), without a zone."""
    try:
        found = parse_time(text.strip()) if text.isascii() else None
    except ValueError:
        return None
    return found and found.replace(tzinfo=None)
