"""Journey queries beside two published planners, on the same pairs in the same run, arrival by arrival.

Peers, both from npm and never part of what a city runs: minotor (MIT) and raptor-journey-planner (GPL-3.0), each in a
process of its own, driven as its documentation says. Neither interpolates stop times, makes walks of its own or reads
several feeds, so both get a cleaned copy: one service day, every stop time filled, walks as transfers.txt.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
import zipfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from cityhall.bench.journeys import EIGHT, random_pairs, served_stops, stop_to_stop
from cityhall.build.assets import ROOT, npm
from cityhall.engines.gtfs import Schedule, read_feeds
from cityhall.engines.timetable import Footpaths, Router, Timetable, Wishes, straight_footpaths

FOLDER = ROOT / "bench" / "journeys"
PEERS = ("minotor", "raptor-journey-planner")
NEAR_M, WALK_M = 60.0, 300.0
MAX_RIDES = 6


def run(gtfs: Sequence[Path], day: date, *, pairs: int = 500, seed: int = 1, at: int = EIGHT) -> list[dict[str, Any]]:
    """Two settings, each a row for ours and for every peer.

    "places": stops within 60 m of one another are one place, with walks between all of its stops. There every planner
    means the same by a journey, so arrivals must be the same. "300 m": walks of at most 300 m, which every planner
    takes differently (see `differences`).

    A row: planner, walks, median_ms, p95_ms, load_s, found, and against ours ratio (of medians), same, later, earlier,
    ours_only, peer_only (pairs).
    """
    if not (FOLDER / "node_modules").exists():
        npm("ci", "--no-audit", "--no-fund", "--ignore-scripts", folder=FOLDER)
    begun = time.perf_counter()
    schedule, _ = read_feeds(list(gtfs))
    read_s = time.perf_counter() - begun
    rows = []
    for walks, footpaths in (("places", places(schedule)), ("300 m", near(schedule))):
        rows += _setting(schedule, day, walks, footpaths, pairs, seed, at, read_s)
    return rows


def near(schedule: Schedule) -> Footpaths:
    """Walks of at most WALK_M."""
    return straight_footpaths(schedule.stops.lon, schedule.stops.lat, WALK_M)


def places(schedule: Schedule) -> Footpaths:
    """Walks between all stops that steps of at most NEAR_M join: walking on from a walk never leads anywhere new."""
    stops = schedule.stops
    steps = straight_footpaths(stops.lon, stops.lat, NEAR_M)
    count = len(stops)
    _, place = connected_components(
        coo_matrix((np.ones(len(steps)), (steps.from_stop, steps.to_stop)), shape=(count, count)), directed=False
    )
    far = straight_footpaths(stops.lon, stops.lat, 2000.0)
    same = place[far.from_stop] == place[far.to_stop]
    return Footpaths(far.from_stop[same], far.to_stop[same], far.seconds[same])


def _setting(
    schedule: Schedule, day: date, walks: str, footpaths: Footpaths, pairs: int, seed: int, at: int, read_s: float
) -> list[dict[str, Any]]:
    begun = time.perf_counter()
    timetable = Timetable.from_schedule(schedule, day, footpaths)
    router = Router(timetable)
    here = router.around(0, outwards=True)
    router.earliest_arrival(here, here, at)
    load_s = read_s + time.perf_counter() - begun
    ends = random_pairs(served_stops(timetable), pairs, seed)
    times, arrivals = _ours(router, ends, at)
    rows = [_row("Cityhall", walks, times, load_s, arrivals)]
    with tempfile.TemporaryDirectory() as folder:
        copy, asked = Path(folder) / "clean.zip", Path(folder) / "pairs.json"
        write_clean(copy, schedule, timetable)
        asked.write_text(json.dumps([[f"s{a}", f"s{b}"] for a, b in ends.tolist()]))
        for peer in PEERS:
            answer = _peer(peer, copy, day, at, asked)
            row = _row(peer, walks, np.array(answer["times_ms"]), answer["load_s"], answer["arrivals"])
            rows.append(
                row | {"ratio": row["median_ms"] / rows[0]["median_ms"]} | compare(arrivals, answer["arrivals"])
            )
    return rows


def _ours(router: Router, ends: np.ndarray, at: int) -> tuple[np.ndarray, list[int | None]]:
    wishes = Wishes(max_rides=MAX_RIDES)
    times, arrivals = np.empty(len(ends)), []
    for number, (origin, goal) in enumerate([*ends[:20].tolist(), *ends.tolist()], start=-min(20, len(ends))):
        start = time.perf_counter()
        trip = stop_to_stop(router, origin, goal)
        found = router.earliest_arrival(trip.sources, trip.targets, at, wishes, walk=trip.on_foot)
        if number >= 0:
            times[number] = (time.perf_counter() - start) * 1e3
            arrivals.append(min((journey.arrival for journey in found), default=None))
    return times, arrivals


def _peer(name: str, gtfs: Path, day: date, at: int, pairs: Path) -> dict[str, Any]:
    command = ["node", str(FOLDER / f"{name}.mjs"), str(gtfs), day.isoformat(), str(at), str(pairs)]
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, check=False, env=_environment())
    if done.returncode:
        raise RuntimeError(f"{name} failed:\n{done.stderr[-2000:]}")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def _environment() -> dict[str, str]:
    from cityhall.build.assets import _environment as node

    # The peers take a day's name from the machine's time zone.
    return node() | {"TZ": "UTC"}


def compare(ours: list[int | None], peer: list[int | None]) -> dict[str, int]:
    """Pair by pair: how many arrivals are the same, and how the others differ."""
    both = [(a, b) for a, b in zip(ours, peer, strict=True) if a is not None and b is not None]
    return {
        "same": sum(a == b for a, b in both),
        "later": sum(b > a for a, b in both),
        "earlier": sum(b < a for a, b in both),
        "ours_only": sum(b is None for a, b in zip(ours, peer, strict=True) if a is not None),
        "peer_only": sum(a is None for a, b in zip(ours, peer, strict=True) if b is not None),
    }


def _row(planner: str, walks: str, times: np.ndarray, load_s: float, arrivals: list[int | None]) -> dict[str, Any]:
    return {
        "planner": planner,
        "walks": walks,
        "median_ms": float(np.median(times)),
        "p95_ms": float(np.percentile(times, 95)),
        "load_s": load_s,
        "found": sum(arrival is not None for arrival in arrivals),
        "pairs": len(arrivals),
    }


def write_clean(path: Path, schedule: Schedule, timetable: Timetable) -> None:
    """A GTFS zip of just what `timetable` holds: a day, every time filled in, its walks as transfers.txt.

    Ids begin with a letter: one peer reads what looks like a number as one, and then finds no stop "1511".
    """
    stops, routes, patterns, walks = schedule.stops, schedule.routes, timetable.patterns, timetable.footpaths
    trips, calls = ["route_id,service_id,trip_id"], ["trip_id,arrival_time,departure_time,stop_id,stop_sequence"]
    for p in range(len(patterns)):
        arrivals, departures = patterns.times(p)
        names = [f"s{stop}" for stop in patterns.stops[patterns.first[p] : patterns.first[p + 1]].tolist()]
        for place, row in enumerate(range(int(patterns.trips_first[p]), int(patterns.trips_first[p + 1]))):
            if departures[place][0] < 0:
                continue  # Yesterday's: a feed cannot say what was before midnight.
            trips.append(f"r{timetable.trip_route[patterns.trip[row]]},day,t{row}")
            for number, (stop, arrives, leaves) in enumerate(
                zip(names, arrivals[place].tolist(), departures[place].tolist(), strict=True)
            ):
                calls.append(f"t{row},{_clock(arrives)},{_clock(leaves)},{stop},{number}")
    day = f"{timetable.day:%Y%m%d}"
    tables = {
        "agency.txt": ["agency_id,agency_name,agency_url,agency_timezone", "a,A,https://example.org,UTC"],
        "stops.txt": [
            "stop_id,stop_code,stop_name,stop_desc,stop_lat,stop_lon,location_type,parent_station,zone_id",
            *(f"s{i},,S{i},,{stops.lat[i]},{stops.lon[i]},0,," for i in range(len(stops))),
        ],
        "routes.txt": [
            "route_id,route_short_name,route_long_name,route_type",
            *(f"r{i},R{i},R{i},{routes.type[i]}" for i in range(len(routes))),
        ],
        "calendar.txt": [
            "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date",
            f"day,1,1,1,1,1,1,1,{day},{day}",
        ],
        "trips.txt": trips,
        "stop_times.txt": calls,
        "transfers.txt": [
            "from_stop_id,to_stop_id,transfer_type,min_transfer_time",
            *(
                f"s{a},s{b},2,{max(1, seconds)}"
                for a, b, seconds in zip(
                    walks.from_stop.tolist(), walks.to_stop.tolist(), walks.seconds.tolist(), strict=True
                )
            ),
        ],
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, lines in tables.items():
            archive.writestr(name, "\n".join(lines) + "\n")


def _clock(second: int) -> str:
    return f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
