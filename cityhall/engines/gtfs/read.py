"""From feeds to one Schedule: merge, complete the times, unfold frequencies, drop what cannot run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from cityhall.engines.gtfs.archive import Limits, open_archive
from cityhall.engines.gtfs.calendar import services
from cityhall.engines.gtfs.extras import build_fares, build_transfers
from cityhall.engines.gtfs.feed import Feed, read_feed
from cityhall.engines.gtfs.frequencies import unfold
from cityhall.engines.gtfs.interpolation import MISSING, fill_times, local_plane, place_trips, shape_lengths
from cityhall.engines.gtfs.merge import merge
from cityhall.engines.gtfs.report import Report
from cityhall.engines.gtfs.schedule import Bool, Feeds, Routes, Schedule, Services, Shapes, Stops, StopTimes, Trips
from cityhall.engines.gtfs.tables import LINE

Progress = Callable[[str, float], None]


def _quiet(what: str, share: float) -> None:
    pass


def read_feeds(
    paths: Sequence[Path], *, limits: Limits | None = None, progress: Progress | None = None
) -> tuple[Schedule, Report]:
    """The feeds at `paths`, checked, completed and merged, and the report of all that was found wrong.

    What can be run without is dropped and reported. Raises FeedError (a ValueError, with the report) where a feed
    cannot be used at all: no zip, a needed file or column missing, time zones that differ, nothing left that runs.
    """
    limits, progress, report = limits or Limits(), progress or _quiet, Report()
    if not paths:
        raise report.fail("no_feed", "", "No feed was named.", "Name at least one GTFS zip.")
    feeds = []
    for number, path in enumerate(paths):
        progress(Path(path).name, 0.7 * number / len(paths))
        with open_archive(Path(path), report, limits) as archive:
            feeds.append(read_feed(archive, report, limits))
    feed = merge(feeds, report)
    _check_timezone(feed, report)
    progress("completing times", 0.75)
    schedule = _build(feed, feeds, report, limits)
    if not len(schedule.trips):
        raise report.fail("no_trips", feed.name, "No trip is left that could run.", "See the problems above.")
    _check_days(schedule, feed, report)
    progress("timetable", 1.0)
    return schedule, report


def _check_timezone(feed: Feed, report: Report) -> None:
    try:
        ZoneInfo(feed.timezone)
    except (ValueError, OSError, KeyError):
        raise report.fail(
            "timezone",
            f"{feed.name}/agency.txt",
            f"{feed.timezone!r} is no time zone.",
            "Use a name like America/Sao_Paulo.",
        ) from None


def _check_days(schedule: Schedule, feed: Feed, report: Report) -> None:
    try:
        schedule.valid_days()
    except ValueError:
        raise report.fail(
            "no_days", feed.name, "No trip runs on any day.", "Check the dates of the calendar."
        ) from None
    for name, first in zip(schedule.feeds.name, schedule.feeds.first_day.tolist(), strict=True):
        if not first:
            report.add(
                "warning", "no_days", name, "None of its trips runs on any day.", "Check the dates of its calendar."
            )


def _feeds(feeds: Sequence[Feed], calendar: Services) -> Feeds:
    """When each feed is valid. `feeds` are as `merge` left them: the ids of services are those of `calendar`."""
    spans = []
    for feed in feeds:
        used = set(feed.trips["service_id"])
        spans.append(calendar.span(np.array([service in used for service in calendar.id], np.bool_)))
    return Feeds(
        name=[feed.name for feed in feeds],
        first_day=np.array([span[0].toordinal() if span else 0 for span in spans], np.int32),
        last_day=np.array([span[1].toordinal() if span else 0 for span in spans], np.int32),
    )


def _build(feed: Feed, feeds: Sequence[Feed], report: Report, limits: Limits) -> Schedule:
    calendar = services(feed.weeks, feed.dates)
    stops, shapes = _stops(feed), _shapes(feed)
    routes = _routes(feed)
    times, trips = _timetable(feed, stops, routes, shapes, calendar, report)
    trips, times = unfold(feed.frequencies, trips, times, report, limits, feed.name)
    return Schedule(
        timezone=feed.timezone,
        agencies=dict(feed.agency.select("agency_id", "agency_name").iter_rows()),
        stops=stops,
        routes=routes,
        trips=trips,
        stop_times=times,
        services=calendar,
        shapes=shapes,
        transfers=build_transfers(feed.transfers, stops),
        fares=build_fares(feed.fares, feed.fare_rules, routes),
        feeds=_feeds(feeds, calendar),
        feed_version=feed.version,
        attribution=[feed.publisher] if feed.publisher else [],
    )


def _stops(feed: Feed) -> Stops:
    table = feed.stops
    row = {stop: place for place, stop in enumerate(table["stop_id"])}
    parent = np.array([row.get(station, -1) for station in table["parent_station"]], np.int32)
    wheelchair = table["wheelchair_boarding"].to_numpy().astype(np.int8)
    # stops.txt: 0 at a platform with a station means "as the station".
    inherits = (wheelchair == 0) & (parent >= 0)
    wheelchair = np.where(inherits, wheelchair[np.maximum(parent, 0)], wheelchair).astype(np.int8)
    return Stops(
        id=table["stop_id"].to_list(),
        code=table["stop_code"].to_list(),
        name=table["stop_name"].to_list(),
        lon=table["stop_lon"].to_numpy().copy(),
        lat=table["stop_lat"].to_numpy().copy(),
        parent=parent,
        location_type=table["location_type"].to_numpy().astype(np.int8),
        wheelchair=wheelchair,
    )


def _routes(feed: Feed) -> Routes:
    table = feed.routes
    return Routes(
        id=table["route_id"].to_list(),
        agency=table["agency_id"].to_list(),
        short_name=table["route_short_name"].to_list(),
        long_name=table["route_long_name"].to_list(),
        type=table["route_type"].to_numpy().astype(np.int32),
        color=table["route_color"].to_list(),
        text_color=table["route_text_color"].to_list(),
    )


def _shapes(feed: Feed) -> Shapes:
    table = feed.shapes
    groups = table.group_by("shape_id", maintain_order=True).len()
    first = np.concatenate([[0], np.cumsum(groups["len"].to_numpy())]).astype(np.int64)
    lon, lat = table["shape_pt_lon"].to_numpy().copy(), table["shape_pt_lat"].to_numpy().copy()
    x, y = local_plane(lon, lat, _middle(feed))
    return Shapes(groups["shape_id"].to_list(), first, lon, lat, shape_lengths(first, x, y))


def _middle(feed: Feed) -> float:
    """The feed's latitude, for a plane in metres."""
    median = feed.stops["stop_lat"].median()
    return float(median) if isinstance(median, int | float) else 0.0


def _timetable(
    feed: Feed, stops: Stops, routes: Routes, shapes: Shapes, calendar: Services, report: Report
) -> tuple[StopTimes, Trips]:
    """Stop times with every time filled in, and the trips they leave."""
    table, rows = feed.stop_times, feed.trips
    trip = table["trip"].to_numpy()
    counts = np.bincount(trip, minlength=rows.height)
    first = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    stop = table["stop"].to_numpy().astype(np.int32)
    arrival = table["arrival"].fill_null(MISSING).to_numpy().astype(np.int32)
    departure = table["departure"].fill_null(MISSING).to_numpy().astype(np.int32)
    shape_row = {shape: place for place, shape in enumerate(shapes.id)}
    shape = np.array([shape_row.get(name, -1) for name in rows["shape_id"]], np.int32)
    distance = np.full(stop.size, np.nan, np.float32)
    middle = _middle(feed)
    stop_x, stop_y = local_plane(stops.lon, stops.lat, middle)
    shape_x, shape_y = local_plane(shapes.lon, shapes.lat, middle)
    pattern = _patterns(first, stop, shape)
    place_trips(first, stop, shape, pattern, stop_x, stop_y, shapes.first, shape_x, shape_y, shapes.distance, distance)
    faults, fault_rows = np.zeros(rows.height, np.int8), np.zeros(rows.height, np.int64)
    filled = fill_times(first, stop, stop_x, stop_y, distance, arrival, departure, faults, fault_rows)
    if filled:
        report.add(
            "notice",
            "interpolated",
            f"{feed.name}/stop_times.txt",
            f"{filled:,} times between timepoints were filled in by distance.",
            "Nothing needs mending.",
        )
    keep = _sound(feed, counts, faults, fault_rows, report)
    kept_rows = np.repeat(keep, counts)
    times = StopTimes(
        stop=stop[kept_rows],
        arrival=arrival[kept_rows],
        departure=departure[kept_rows],
        pickup=table["pickup"].to_numpy()[kept_rows].astype(np.int8),
        drop_off=table["drop_off"].to_numpy()[kept_rows].astype(np.int8),
        shape_distance=distance[kept_rows],
        sequence=table["sequence"].to_numpy()[kept_rows].astype(np.int32),
    )
    return times, _trips(rows, keep, counts, routes, shape, calendar)


def _patterns(first: np.ndarray, stop: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """(trips,) the same number for trips that call at the same stops along the same shape."""
    seen: dict[bytes, int] = {}
    result = np.empty(shape.size, np.int32)
    for trip in range(shape.size):
        key = stop[first[trip] : first[trip + 1]].tobytes() + shape[trip].tobytes()
        result[trip] = seen.setdefault(key, len(seen))
    return result


def _sound(feed: Feed, counts: np.ndarray, faults: np.ndarray, fault_rows: np.ndarray, report: Report) -> Bool:
    """(trips,) which trips can run; the others are reported."""
    says = {
        1: ("no_end_time", "has no time at its first or last stop", "Give the times at both ends."),
        2: ("time_goes_back", "goes back in time", "Mend the times."),
    }
    ids, lines = feed.trips["trip_id"], feed.stop_times[LINE]
    for fault, (code, what, mend) in says.items():
        found = np.flatnonzero(faults == fault)
        for trip in found[:20]:
            report.add(
                "warning",
                code,
                f"{feed.name}/stop_times.txt",
                f"Trip {ids[int(trip)]!r} {what}.",
                mend,
                line=int(lines[int(fault_rows[trip])]),
                field="arrival_time",
            )
        report.counts[code] += max(0, found.size - 20)
    short = np.flatnonzero(counts < 2)
    for trip in short[:20]:
        report.add(
            "warning",
            "short_trip",
            f"{feed.name}/trips.txt",
            f"Trip {ids[int(trip)]!r} calls at fewer than two stops.",
            "Give it stop times, or take it out.",
            line=int(feed.trips[LINE][int(trip)]),
            field="trip_id",
        )
    report.counts["short_trip"] += max(0, short.size - 20)
    result: Bool = (faults == 0) & (counts >= 2)
    return result


def _trips(
    rows: pl.DataFrame, keep: Bool, counts: np.ndarray, routes: Routes, shape: np.ndarray, calendar: Services
) -> Trips:
    kept = rows.filter(pl.Series(keep))
    route_row = {route: place for place, route in enumerate(routes.id)}
    service_row = {service: place for place, service in enumerate(calendar.id)}
    return Trips(
        id=kept["trip_id"].to_list(),
        route=np.array([route_row[route] for route in kept["route_id"]], np.int32),
        service=np.array([service_row[service] for service in kept["service_id"]], np.int32),
        headsign=kept["trip_headsign"].to_list(),
        direction=kept["direction_id"].to_numpy().astype(np.int8),
        shape=shape[keep],
        wheelchair=kept["wheelchair_accessible"].to_numpy().astype(np.int8),
        block=kept["block_id"].to_list(),
        first=np.concatenate([[0], np.cumsum(counts[keep])]).astype(np.int64),
    )
