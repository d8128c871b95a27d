"""The arrays behind the feed in service: opened once a process, built once a city and service day."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
from django.conf import settings
from django.utils.translation import gettext as _

from cityhall.engines import arrays, groups
from cityhall.engines.gtfs import Schedule
from cityhall.engines.gtfs.bundle import write_merged
from cityhall.engines.gtfs.schedule import Int64
from cityhall.engines.timetable import Footpaths, Places, Router, Timetable, straight_footpaths
from cityhall.kernel import derived
from cityhall.kernel.errors import Unavailable
from cityhall.kernel.places.streets import KIND as STREETS
from cityhall.kernel.places.streets import streets

KIND = "schedule"
VERSION = "schedule 3"
WALK_S = 600
"""The longest walk between two rides, seconds."""
WHEELCHAIR = "wheelchair"
AGAIN_S = 5
"""Seconds after which it is worth asking again while the search is being compiled."""
DETOUR = 1.35
"""How much longer streets are than the straight line, where there is no map of them."""


def stamp_of(files: list[Path]) -> str:
    """What is made of the feeds and of the streets that people change on is made anew when either is another."""
    ground = derived.current(STREETS)
    return derived.digest(files, VERSION, ground.name if ground else "")


def feed_files() -> list[Path]:
    """The city's GTFS zips."""
    return [Path(settings.CITY_FOLDER) / name for name in settings.CITY.gtfs]


def walks(schedule: Schedule, profile: Literal["walk", "wheelchair"] = "walk") -> Footpaths:
    """Walks between stops along the streets; straight lines for the stops the street map does not reach."""
    stops = schedule.stops
    straight = straight_footpaths(stops.lon, stops.lat, WALK_S * 1.33 / DETOUR, detour=DETOUR)
    graph = streets()
    if graph is None:
        return straight
    network = graph.network(profile)
    on_streets = np.array([snap is not None for snap in network.snap_all(stops.lon, stops.lat)])
    origin, target, seconds = network.footpaths(stops.lon, stops.lat, WALK_S)
    off = ~(on_streets[straight.from_stop] & on_streets[straight.to_stop])
    return Footpaths(
        np.concatenate([origin, straight.from_stop[off]]),
        np.concatenate([target, straight.to_stop[off]]),
        np.concatenate([seconds, straight.seconds[off]]),
    )


def store(schedule: Schedule, stamp: str, progress: Callable[[str, float], None]) -> Path:
    """Puts a schedule and its walks in place for every process."""

    def make(folder: Path) -> None:
        progress("walks between stops", 0.5)
        arrays.save(folder / "schedule", schedule, VERSION)
        arrays.save(folder / "walks", walks(schedule), VERSION)
        if streets() is not None:
            arrays.save(folder / WHEELCHAIR, walks(schedule, "wheelchair"), VERSION)

    return derived.build(KIND, stamp, make)


@dataclass(frozen=True)
class InService:
    """The schedule in service, and what everybody asks of it: which line, which headsign, which trip, which stop.

    Rows are places in the schedule's arrays; ids are those of the feed.
    """

    folder: Path
    schedule: Schedule
    walks: Footpaths
    wheelchair_walks: Footpaths | None
    """None where there is no map of the streets: nobody knows then where stairs are."""

    @cached_property
    def trip_rows(self) -> dict[str, int]:
        """Row of each trip by its id."""
        return {name: row for row, name in enumerate(self.schedule.trips.id)}

    @cached_property
    def route_rows(self) -> dict[str, int]:
        """Row of each line by its id."""
        return {name: row for row, name in enumerate(self.schedule.routes.id)}

    @cached_property
    def stop_rows(self) -> dict[str, int]:
        """Row of each stop by its id."""
        return {name: row for row, name in enumerate(self.schedule.stops.id)}

    def line(self, route: int) -> str:
        """What riders call a line, by its row."""
        routes = self.schedule.routes
        return routes.short_name[route] or routes.long_name[route] or routes.id[route]

    def line_of(self, route_id: str) -> str:
        """What riders call a line, by its id; the id itself where the feed has none such."""
        row = self.route_rows.get(route_id)
        return route_id if row is None else self.line(row)

    def stops_of(self, trip: int) -> list[int]:
        """The stops, as rows, that a trip calls at."""
        first = self.schedule.trips.first
        return [int(stop) for stop in self.schedule.stop_times.stop[int(first[trip]) : int(first[trip + 1])]]

    def headsign(self, trip: int) -> str:
        """Where a trip goes: what its headsign says, else the name of its last stop."""
        schedule = self.schedule
        last = int(schedule.trips.first[trip + 1]) - 1
        return schedule.trips.headsign[trip] or schedule.stops.name[int(schedule.stop_times.stop[last])]

    @cached_property
    def calls(self) -> tuple[Int64, Int64]:
        """Stop times by stop: CSR offsets (stops + 1,) and rows of the stop times."""
        stop = np.asarray(self.schedule.stop_times.stop)
        order = np.argsort(stop, kind="stable")
        counts = np.bincount(stop, minlength=len(self.schedule.stops))
        return np.concatenate([[0], np.cumsum(counts)]), order

    @cached_property
    def trip_of(self) -> Int64:
        """(stop times,) the trip of each."""
        first = np.asarray(self.schedule.trips.first)
        return np.repeat(np.arange(first.size - 1), np.diff(first))


def service() -> InService:
    """The schedule in service. Raises Unavailable where none has been loaded by this version of the program."""
    folder = derived.current(KIND)
    if folder is None:
        raise Unavailable(_("No timetable has been loaded yet."), mend=_("Load one: cityhall load transit."))
    try:
        return _open(folder)
    except ValueError as problem:
        raise Unavailable(
            _("The timetable was prepared by another version of the program."),
            mend=_("Load it again: cityhall load transit."),
        ) from problem


def outdated() -> bool:
    """Whether the schedule in service was written by another version of the program."""
    folder = derived.current(KIND)
    if folder is None:
        return False
    try:
        _open(folder)
    except ValueError:
        return True
    return False


@lru_cache(maxsize=2)
def _open(folder: Path) -> InService:
    return InService(
        folder,
        arrays.load(folder / "schedule", Schedule, VERSION),
        arrays.load(folder / "walks", Footpaths, VERSION),
        arrays.load(folder / WHEELCHAIR, Footpaths, VERSION) if (folder / WHEELCHAIR).exists() else None,
    )


def whole_feed() -> Path:
    """The feed in service as one zip: the operator's own where there is one, several written as one on first wish."""
    files = feed_files()
    if len(files) == 1:
        return files[0]
    now = service()

    def make(draft: Path) -> None:
        write_merged(files, now.schedule, draft / "gtfs.zip")

    return derived.build("gtfs", now.folder.name.rsplit("-", 1)[-1], make) / "gtfs.zip"


def router(day: date, wheelchair: bool = False) -> Router:
    """The search over a service day; built on the first question of any process, then mapped by all.

    With `wheelchair` people change where no stairs are between two stops. Raises Unavailable without a timetable, and
    for the minute after installing in which the search is compiled.
    """
    now = service()
    if not groups.ready(groups.JOURNEYS):
        raise Unavailable(
            _("Journeys are being got ready: they can be planned in about a minute."),
            code="getting_ready",
            mend=_("This happens once after installing or updating."),
            wait_s=AGAIN_S,
        )
    return _router(now.folder, day, wheelchair and now.wheelchair_walks is not None)


@lru_cache(maxsize=6)
def _router(folder: Path, day: date, wheelchair: bool) -> Router:
    now = _open(folder)
    kind = f"timetable-{day:%Y%m%d}" + (f"-{WHEELCHAIR}" if wheelchair else "")

    def made() -> Timetable:
        # What the feed allows without a street is not known to be possible with a wheelchair.
        if wheelchair:
            return Timetable.from_schedule(now.schedule, day, now.wheelchair_walks, opened=False)
        return Timetable.from_schedule(now.schedule, day, now.walks)

    built = derived.build(kind, folder.name.rsplit("-", 1)[-1], lambda draft: made().save(draft))
    try:
        return Router(Timetable.load(built))
    except ValueError:
        # Written by an earlier version of the program.
        return Router(made())


def warm(day: date) -> None:
    """Builds a day's timetable and has every search compiled, so that no resident waits for either."""
    search = router(day)
    ends = Places.at(0), Places.at(len(service().schedule.stops) - 1)
    search.range(*ends, 43_200, 60)
    search.earliest_arrival(*ends, 43_200)
    search.arrive_by(*ends, 43_200)
