"""GTFS route types as modes of transport. Source: GTFS Schedule Reference, routes.txt, and the extended types."""

from __future__ import annotations

BASIC = {
    0: "tram",
    1: "subway",
    2: "train",
    3: "bus",
    4: "ferry",
    5: "tram",
    6: "cable",
    7: "funicular",
    11: "bus",
    12: "train",
}
EXTENDED = (
    (100, "train"),
    (200, "bus"),
    (400, "subway"),
    (700, "bus"),
    (900, "tram"),
    (1000, "ferry"),
    (1300, "cable"),
)


def mode_of(route_type: int) -> str:
    """The mode of a GTFS route_type, "bus" for one that is not known."""
    if route_type in BASIC:
        return BASIC[route_type]
    return next((mode for start, mode in reversed(EXTENDED) if route_type >= start), "bus")
