"""Values as people and programs write them in addresses and forms, and nothing for what is none.

Python by itself takes more than is meant (digits of any script count as digits, and not all of them are numbers) and
has a first and a last day, from which no other can be reckoned.
"""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, time, tzinfo
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any
from urllib.parse import SplitResult, urlsplit

from django.utils.dateparse import parse_date, parse_datetime, parse_time
from django.utils.translation import gettext as _

from cityhall.kernel.errors import Invalid

LARGEST = 2**63 - 1
"""What the database's columns for whole numbers hold."""
EARLIEST, LATEST = datetime(2, 1, 1, tzinfo=UTC), datetime(9998, 12, 31, tzinfo=UTC)
"""Programs write 0001 and 9999 for an end that is open. A year is left on both sides, to reckon with."""
FORMULA = ("=", "+", "-", "@", "\t", "\r")
BOM = "\ufeff"
"""Begins a table: without it a spreadsheet takes UTF-8 for the letters of one country."""
_WRAPS_V4 = (ip_network("64:ff9b::/96"), ip_network("64:ff9b:1::/48"), ip_network("::/96"))
"""IPv6 that stands for an IPv4 address at its end: NAT64 (RFC 6052, RFC 8215) and the old "compatible" form."""


def cell(value: Any) -> Any:
    """A value of a table that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def link(text: object) -> str:
    """An address that may be pressed, of the web or of this city; "" for any other (`javascript:`, `data:`)."""
    address = str(text or "").strip()
    ours = address.startswith("/") and not address.startswith(("//", "/\\"))
    return address if ours or url_parts(address).scheme in ("http", "https") else ""


def is_public(text: str) -> bool:
    """Whether an IP address is one of the public internet; what wraps an IPv4 address is judged by that one."""
    address: IPv4Address | IPv6Address = ip_address(text.split("%")[0])
    if isinstance(address, IPv6Address):
        wraps = any(address in network for network in _WRAPS_V4)
        last = IPv4Address(int(address) & 0xFFFF_FFFF) if wraps else None
        address = address.ipv4_mapped or address.sixtofour or last or address
    return address.is_global and not address.is_multicast


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
