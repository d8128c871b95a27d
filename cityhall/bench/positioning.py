"""How near the truth positioning comes, on fixes made by the simulator: places, trips, lanes, calls, alarms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np

from cityhall.engines.gtfs import read_feeds
from cityhall.engines.gtfs.clock import service_start
from cityhall.engines.positioning import Calls, Estimates, Fixes, Runs, Settings, Status, Tracker, Ways
from cityhall.simulator.driving import Street
from cityhall.simulator.traces import KINDS, Conditions, Traces, simulate

CLASSES = {1: "GPS", 2: "DGNSS", 5: "RTK float", 4: "RTK fixed"}
NEAR_CALL_S = 30.0
Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Followed:
    """What the tracker said at each fix it took (rows of the fixes), and every call it gave."""

    row: np.ndarray
    said: dict[str, np.ndarray]
    calls: list[tuple[int, int, int, float, float]]
    verdict: np.ndarray


def load(gtfs: Sequence[Path], day: date) -> tuple[Ways, Runs, str]:
    """Ways and runs of a feed's day, and its zone."""
    schedule, _ = read_feeds(list(gtfs))
    ways = Ways.from_schedule(schedule)
    return ways, Runs.from_schedule(schedule, ways, day), schedule.timezone


def run(
    gtfs: Sequence[Path], day: date, *, hour: float = 7.0, vehicles: int = 60, every_s: float = 1.0, seed: int = 1
) -> Rows:
    """Simulates vehicles whose runs leave within an hour from `hour` on, follows them, and compares."""
    ways, runs, zone = load(gtfs, day)
    begin = service_start(day, zone) + hour * 3600
    traces = simulate(ways, runs, begin, begin + 3600, Conditions(vehicles=vehicles, every_s=every_s), seed)
    followed = follow(Tracker(ways, runs), traces.fixes)
    return [
        *places(traces, followed, ways),
        *trips(traces, followed, runs),
        *alarms(traces, followed, ways),
        *lanes(ways, runs, begin, every_s),
        *stop_calls(traces, followed),
        speed(Tracker(ways, runs), traces.fixes),
    ]


def follow(tracker: Tracker, fixes: Fixes, tick_s: float = 0.9) -> Followed:
    """Gives the tracker the fixes as they come in, a tick at a time."""
    bounds = [0]
    newest = np.maximum.accumulate(fixes.at)
    while bounds[-1] < len(fixes):
        bounds.append(int(np.searchsorted(newest, newest[bounds[-1]] + tick_s)))
    verdict, rows, parts = np.zeros(len(fixes), np.int8), [], []
    calls: list[tuple[int, int, int, float, float]] = []
    for low, high in pairwise(bounds):
        batch = fixes.rows(slice(low, high))
        update = tracker.update(batch, float(newest[high - 1]))
        verdict[low:high] = update.verdict
        calls += _listed(update.calls)
        last = {int(batch.vehicle[row]): low + row for row in np.flatnonzero(update.verdict == 0)}
        rows.append([last[vehicle] for vehicle in update.estimates.vehicle.tolist()])
        parts.append(update.estimates)
    said = {name: np.concatenate([getattr(part, name) for part in parts]) for name in Estimates.__slots__}
    return Followed(np.concatenate(rows).astype(np.int64), said, calls, verdict)


def speed(tracker: Tracker, fixes: Fixes, batch: int = 2500) -> dict[str, Any]:
    """Fixes a second of processor time, `batch` at a time: a quarter of a second's worth of 4,000 buses at 2.5 Hz."""
    parts = [fixes.rows(slice(low, low + batch)) for low in range(0, len(fixes), batch)]
    began = process_time()
    for part in parts:
        tracker.update(part, float(part.at.max()))
    seconds = process_time() - began
    return {
        "what": "speed",
        "fixes": len(fixes),
        "fixes_s": round(len(fixes) / seconds),
        "us_a_fix": round(1e6 * seconds / len(fixes), 2),
    }


def _listed(calls: Calls) -> list[tuple[int, int, int, float, float]]:
    columns = (calls.vehicle, calls.run, calls.sequence, calls.arrived, calls.departed)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def _metres(ways: Ways, lon: np.ndarray, lat: np.ndarray, true_lon: np.ndarray, true_lat: np.ndarray) -> np.ndarray:
    x, y = ways.plane.metres(lon, lat)
    true_x, true_y = ways.plane.metres(true_lon, true_lat)
    return np.hypot(x - true_x, y - true_y)


def _quantile(values: Sequence[float] | np.ndarray, share: float) -> float | str:
    return round(float(np.quantile(values, share)), 2) if len(values) else ""


def places(traces: Traces, followed: Followed, ways: Ways) -> Rows:
    """Horizontal errors by fix class: of the fix, of ours, and how often our radius held the truth."""
    row, said = followed.row, followed.said
    fixes = traces.fixes
    raw = _metres(ways, fixes.lon[row], fixes.lat[row], traces.lon[row], traces.lat[row])
    ours = _metres(ways, said["lon"], said["lat"], traces.lon[row], traces.lat[row])
    good = ~traces.glitch[row]
    found: Rows = []
    groups = [(name, fixes.fix_class[row] == kind) for kind, name in CLASSES.items()]
    phones = traces.kind[fixes.vehicle[row]] == KINDS.index("phone")
    for name, mask in [*groups, ("of these phones", phones)]:
        here = mask & good
        if here.any():
            found.append(
                {
                    "what": f"place, {name}",
                    "fixes": int(here.sum()),
                    "fix_median_m": _quantile(raw[here], 0.5),
                    "median_m": _quantile(ours[here], 0.5),
                    "fix_p95_m": _quantile(raw[here], 0.95),
                    "p95_m": _quantile(ours[here], 0.95),
                    "in_radius": round(float((ours[here] <= said["accuracy_m"][here]).mean()), 3),
                    "radius_m": _quantile(said["accuracy_m"][here], 0.5),
                }
            )
    return found


def trips(traces: Traces, followed: Followed, runs: Runs) -> Rows:
    """How often the trip said is the one driven, and how soon it first is."""
    row, said = followed.row, followed.said
    vehicle, true = traces.fixes.vehicle[row], traces.run[row]
    logged = traces.logged[vehicle]
    driving = (true >= 0) & ~traces.glitch[row]
    moving = driving & _under_way(traces, row, runs)
    found: Rows = []
    for name, mask in (("logged on", logged), ("not logged on", ~logged)):
        here = moving & mask
        if not here.any():
            continue
        same_way = np.where(said["run"] >= 0, runs.way[np.maximum(said["run"], 0)] == runs.way[true], False)
        first = _first_right(traces, row, said, true, driving & mask, runs)
        found.append(
            {
                "what": f"trip, {name}",
                "fixes": int(here.sum()),
                "right": round(float((said["run"][here] == true[here]).mean()), 3),
                "right_line": round(float(same_way[here].mean()), 3),
                "none": round(float((said["run"][here] < 0).mean()), 3),
                "first_right_median_s": _quantile(first, 0.5),
                "first_right_p95_s": _quantile(first, 0.95),
                "trips": len(first),
            }
        )
    return found


def _under_way(traces: Traces, row: np.ndarray, runs: Runs) -> np.ndarray:
    """Fixes of vehicles that have left their first stop."""
    left: np.ndarray = np.isnan(traces.along[row]) | (traces.along[row] > 60.0)
    return left


def _first_right(
    traces: Traces, row: np.ndarray, said: dict[str, np.ndarray], true: np.ndarray, mask: np.ndarray, runs: Runs
) -> list[float]:
    """Seconds from a trip's departure (or the first fix after it) to the first right answer; none: to its end."""
    found = []
    at, vehicle = traces.fixes.at[row], traces.fixes.vehicle[row]
    under_way = _under_way(traces, row, runs)
    for one in np.unique(vehicle[mask]).tolist():
        mine = np.flatnonzero(mask & (vehicle == one))
        for driven in np.unique(true[mine]).tolist():
            trip = mine[true[mine] == driven]
            left = trip[under_way[trip]]
            if left.size == 0:
                continue
            right = trip[said["run"][trip] == driven]
            end = at[right[0]] if right.size else at[trip[-1]]
            found.append(max(0.0, float(end - at[left[0]])))
    return found


def alarms(traces: Traces, followed: Followed, ways: Ways) -> Rows:
    """Off the route and the wrong way: how many were seen, how soon, and how often there was nothing to see."""
    row, said = followed.row, followed.said
    vehicle, at = traces.fixes.vehicle[row], traces.fixes.at[row]
    found: Rows = []
    for status, name in ((Status.OFF_ROUTE, "off the route"), (Status.WRONG_WAY, "the wrong way")):
        delays, spells, false = [], 0, 0
        for one in np.unique(vehicle).tolist():
            mine = np.flatnonzero(vehicle == one)
            truly, alarm = traces.status[row[mine]] == status, said["status"][mine] == status
            for begin, end in _spells(truly):
                known = said["run"][mine[max(0, begin - 1)]] >= 0
                if not known:
                    continue
                spells += 1
                seen = np.flatnonzero(alarm[begin:end])
                if seen.size:
                    delays.append(float(at[mine[begin + seen[0]]] - at[mine[begin]]))
            for begin, _ in _spells(alarm):
                false += not truly[max(0, begin - 60) : begin + 1].any()
        hours = float(sum(np.ptp(at[vehicle == one]) for one in np.unique(vehicle))) / 3600.0
        found.append(
            {
                "what": name,
                "spells": spells,
                "seen": len(delays),
                "delay_median_s": _quantile(delays, 0.5),
                "delay_p95_s": _quantile(delays, 0.95),
                "false_an_hour": round(false / hours, 3),
                "hours": round(hours, 1),
            }
        )
    return found


def _spells(mask: np.ndarray) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def lanes(ways: Ways, runs: Runs, begin: float, every_s: float) -> Rows:
    """How often the lane is told where RTK is fixed or floating, and how often rightly, with lines drawn to 0.3 m.

    With lines drawn as freely as most are, no lane can be told; a city that has such lines says so (`drawn_to_m`).
    """
    street = Street(drawing_error_m=0.3)
    conditions = Conditions(vehicles=12, every_s=every_s, kinds=("rtk",), street=street, detours=0.0, wrong_ways=0.0)
    traces = simulate(ways, runs, begin, begin + 3600, conditions, seed=3)
    followed = follow(Tracker(ways, runs, Settings(drawn_to_m=0.3)), traces.fixes)
    row, said = followed.row, followed.said
    found: Rows = []
    for kind in (4, 5):
        true = traces.lane[row]
        here = (traces.fixes.fix_class[row] == kind) & (true >= 0)
        told = here & (said["lane"] >= 0)
        if here.any():
            found.append(
                {
                    "what": f"lane, {CLASSES[kind]}",
                    "fixes": int(here.sum()),
                    "told": round(float(told.sum() / here.sum()), 3),
                    "right": round(float((said["lane"][told] == true[told]).mean()), 3) if told.any() else "",
                }
            )
    return found


def stop_calls(traces: Traces, followed: Followed) -> Rows:
    """Arrivals and departures at stops against the true ones."""
    true = {(run, call): (arrived, left) for _, run, call, arrived, left in traces.calls}
    said = {(run, call): (arrived, left) for _, run, call, arrived, left in followed.calls}
    both = [key for key in said if key in true and key[1] > 0]
    arrived = [abs(said[key][0] - true[key][0]) for key in both]
    left = [abs(said[key][1] - true[key][1]) for key in both if np.isfinite(said[key][1])]
    return [
        {
            "what": "calls",
            "true": sum(key[1] > 0 for key in true),
            "given": sum(key[1] > 0 for key in said),
            "right": sum(gap < NEAR_CALL_S for gap in arrived),
            "twice": len(followed.calls) - len(said),
            "arrival_median_s": _quantile(arrived, 0.5),
            "arrival_p95_s": _quantile(arrived, 0.95),
            "departure_median_s": _quantile(left, 0.5),
            "departure_p95_s": _quantile(left, 0.95),
        }
    ]
