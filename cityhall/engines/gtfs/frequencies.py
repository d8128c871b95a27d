"""frequencies.txt: one template trip as each of its departures."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import polars as pl

from cityhall.engines.gtfs.archive import Limits
from cityhall.engines.gtfs.report import Report
from cityhall.engines.gtfs.schedule import Int64, StopTimes, Trips


def _clock(time: int) -> str:
    return f"{time // 3600:02}:{time // 60 % 60:02}:{time % 60:02}"


def unfold(
    table: pl.DataFrame, trips: Trips, times: StopTimes, report: Report, limits: Limits, label: str
) -> tuple[Trips, StopTimes]:
    """`trips` and `times` with each template replaced by its departures (exact_times 0 and 1 alike).

    Source: GTFS Schedule Reference, frequencies.txt: the first departure is at start_time, the last before end_time.
    Raises FeedError where there would be more departures than `limits` allow.
    """
    if table.height == 0:
        return trips, times
    row = {trip: place for place, trip in enumerate(trips.id)}
    source: list[int] = []
    start: list[int] = []
    templates: set[int] = set()
    for name, begin, end, headway in table.select("trip_id", "start_time", "end_time", "headway_secs").iter_rows():
        trip = row.get(name)
        if trip is None:
            continue
        templates.add(trip)
        departures = range(begin, end, headway)
        if len(source) + len(departures) > limits.departures:
            raise report.fail(
                "too_many_departures",
                f"{label}/frequencies.txt",
                f"It asks for more than {limits.departures:,} departures.",
                "Check headway_secs, which is in seconds.",
            )
        source += [trip] * len(departures)
        start += departures
    plain = [trip for trip in range(len(trips)) if trip not in templates]
    order = np.array(plain + source, np.int64)
    shift = np.zeros(order.size, np.int64)
    shift[len(plain) :] = np.array(start, np.int64) - times.departure[trips.first[order[len(plain) :]]]
    names = [trips.id[trip] for trip in plain]
    names += [f"{trips.id[trip]}@{_clock(time)}" for trip, time in zip(source, start, strict=True)]
    return _take(trips, times, order, shift, names)


def _take(trips: Trips, times: StopTimes, order: Int64, shift: Int64, names: list[str]) -> tuple[Trips, StopTimes]:
    """Trips `order` of `trips`, each `shift` seconds later."""
    lengths = np.diff(trips.first)[order]
    first = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    rows = np.repeat(trips.first[order] - first[:-1], lengths) + np.arange(first[-1])
    moved = {column.name: getattr(times, column.name)[rows] for column in fields(times)}
    later = np.repeat(shift, lengths)
    moved["arrival"] = (moved["arrival"] + later).astype(np.int32)
    moved["departure"] = (moved["departure"] + later).astype(np.int32)
    chosen = replace(
        trips,
        id=names,
        route=trips.route[order],
        service=trips.service[order],
        headsign=[trips.headsign[trip] for trip in order],
        direction=trips.direction[order],
        shape=trips.shape[order],
        wheelchair=trips.wheelchair[order],
        block=[trips.block[trip] for trip in order],
        first=first,
    )
    return chosen, StopTimes(**moved)
