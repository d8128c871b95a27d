"""What a message says, as CAP 1.2 names it (OASIS Standard CAP-V1.2, 1 July 2010, section 3.2).

Points are (longitude, latitude) in degrees, WGS 84: the other way round than CAP writes them, and as the rest of the
program has them. Heights are in feet above mean sea level and radii in kilometres, as in CAP. Moments have an offset.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

Point = tuple[float, float]
Named = tuple[tuple[str, str], ...]
"""Pairs of `valueName` and `value`, in their order."""


class CapError(ValueError):
    """Why this is no CAP message, in one plain sentence."""


@dataclass(frozen=True)
class Reference:
    """An earlier message, by what makes it the only one of its kind."""

    sender: str
    identifier: str
    sent: datetime


@dataclass(frozen=True)
class Circle:
    centre: Point
    radius_km: float


@dataclass(frozen=True)
class Area:
    """Where: the union of its polygons (closed: the last point is the first), circles and codes."""

    description: str
    polygons: tuple[tuple[Point, ...], ...] = ()
    circles: tuple[Circle, ...] = ()
    geocodes: Named = ()
    altitude: float | None = None
    ceiling: float | None = None


@dataclass(frozen=True)
class Resource:
    """A file beside the words: by its address, or in the message itself (`content`, in base64)."""

    description: str
    mime_type: str
    size: int | None = None
    uri: str = ""
    content: str = ""
    digest: str = ""


@dataclass(frozen=True)
class Info:
    """What is happening, how bad, and what to do, in one language (RFC 3066)."""

    categories: tuple[str, ...]
    event: str
    urgency: str
    severity: str
    certainty: str
    language: str = "en-US"
    response_types: tuple[str, ...] = ()
    audience: str = ""
    event_codes: Named = ()
    effective: datetime | None = None
    onset: datetime | None = None
    expires: datetime | None = None
    sender_name: str = ""
    headline: str = ""
    description: str = ""
    instruction: str = ""
    web: str = ""
    contact: str = ""
    parameters: Named = ()
    resources: tuple[Resource, ...] = ()
    areas: tuple[Area, ...] = ()


@dataclass(frozen=True)
class Alert:
    """One message. `version` is the CAP version it was read from; it is written as 1.2 whichever that was."""

    identifier: str
    sender: str
    sent: datetime
    status: str
    msg_type: str
    scope: str
    source: str = ""
    restriction: str = ""
    addresses: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    note: str = ""
    references: tuple[Reference, ...] = ()
    incidents: tuple[str, ...] = ()
    infos: tuple[Info, ...] = ()
    version: str = "1.2"
