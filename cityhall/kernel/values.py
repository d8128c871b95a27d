"""Values as people and programs write them in addresses and forms, and nothing for what is none.

Python by itself takes more than is meant (digits of any script count as digits, and not all of them are numbers) and
has a first and a last day, from which no other can be reckoned.
"""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from urllib.parse import SplitResult, urlsplit

from django.utils.dateparse import parse_datetime

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
