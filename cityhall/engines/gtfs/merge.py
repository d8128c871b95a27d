"""Several feeds as one: ids that would collide get their feed's name in front."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from cityhall.engines.gtfs.feed import Feed
from cityhall.engines.gtfs.report import Report

# Every id: where it is defined, and every column that names it.
IDS: dict[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]] = {
    (("agency", "agency_id"),): (("agency", "agency_id"), ("routes", "agency_id")),
    (("stops", "stop_id"),): (
        ("stops", "stop_id"),
        ("stops", "parent_station"),
        ("transfers", "from_stop_id"),
        ("transfers", "to_stop_id"),
    ),
    (("routes", "route_id"),): (("routes", "route_id"), ("trips", "route_id"), ("fare_rules", "route_id")),
    (("trips", "trip_id"),): (("trips", "trip_id"), ("frequencies", "trip_id")),
    (("weeks", "service_id"), ("dates", "service_id")): (
        ("weeks", "service_id"),
        ("dates", "service_id"),
        ("trips", "service_id"),
    ),
    (("shapes", "shape_id"),): (("shapes", "shape_id"), ("trips", "shape_id")),
    (("fares", "fare_id"),): (("fares", "fare_id"), ("fare_rules", "fare_id")),
}
TABLES = ("agency", "routes", "shapes", "weeks", "dates", "frequencies", "transfers", "fares", "fare_rules")


def _defined(feed: Feed, places: tuple[tuple[str, str], ...]) -> set[str]:
    return {value for table, column in places for value in getattr(feed, table)[column].drop_nulls()}


def _prefix(feed: Feed, columns: tuple[tuple[str, str], ...], prefix: str) -> None:
    for table, column in columns:
        frame: pl.DataFrame = getattr(feed, table)
        setattr(feed, table, frame.with_columns((pl.lit(f"{prefix}:") + pl.col(column)).alias(column)))


def merge(feeds: Sequence[Feed], report: Report) -> Feed:
    """The feeds as one. Raises FeedError where their time zones differ."""
    if len(feeds) == 1:
        return feeds[0]
    zones = {feed.timezone for feed in feeds}
    if len(zones) > 1:
        raise report.fail(
            "timezone",
            " + ".join(feed.name for feed in feeds),
            f"The feeds keep different time zones: {', '.join(sorted(zones))}.",
            "Load only feeds of one time zone into one city.",
        )
    for number, feed in enumerate(feeds):
        for defined, used in IDS.items():
            taken = set().union(*[_defined(other, defined) for other in feeds[:number]]) if number else set()
            if taken & _defined(feed, defined):
                _prefix(feed, used, feed.name)
    return _concatenate(feeds)


def _concatenate(feeds: Sequence[Feed]) -> Feed:
    trips, stops, times = [], [], []
    trip_base = stop_base = 0
    for feed in feeds:
        times.append(
            feed.stop_times.with_columns(
                (pl.col("trip") + trip_base).cast(pl.Int32), (pl.col("stop") + stop_base).cast(pl.Int32)
            )
        )
        trips.append(feed.trips)
        stops.append(feed.stops)
        trip_base += feed.trips.height
        stop_base += feed.stops.height
    together = {name: pl.concat([getattr(feed, name) for feed in feeds]) for name in TABLES}
    return Feed(
        name=" + ".join(feed.name for feed in feeds),
        timezone=feeds[0].timezone,
        version=" + ".join(feed.version for feed in feeds if feed.version),
        publisher=", ".join(feed.publisher for feed in feeds if feed.publisher),
        trips=pl.concat(trips),
        stops=pl.concat(stops),
        stop_times=pl.concat(times),
        **together,
    )
