"""From service days to moments. Source: GTFS Schedule Reference, Field Types, *Time*: times are measured from "noon
minus 12 h" of the trip's own service day, which differs from midnight on days the clock changes.
"""

from __future__ import annotations

from datetime import date, datetime, time
from zoneinfo import ZoneInfo


def service_start(day: date, zone: str) -> float:
    """Unix seconds from which a service day's times are counted: noon of the city's clock minus 12 h."""
    return datetime.combine(day, time(12), ZoneInfo(zone)).timestamp() - 12 * 3600


def shift(day: date, other: date, zone: str) -> int:
    """Seconds to add to a time of service day `other` to have it as a time of `day`.

    A multiple of 86,400 but for the days about a change of the clock; `days_of` turns it back.
    """
    return round(service_start(other, zone) - service_start(day, zone))


def days_of(shift: int) -> int:
    """How many days after another a service day is, by the shift between them."""
    return round(shift / 86_400)
