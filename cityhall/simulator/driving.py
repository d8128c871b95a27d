"""How a bus drives a run: along a path, with its own lateness, dwell at stops, red lights, lanes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.signal import lfilter

from cityhall.engines.gtfs.schedule import Float64, Int8
from cityhall.engines.positioning import Runs, Status, Ways

ACCELERATION, BRAKING = 1.0, 1.2  # m/s2
STEP_S = 0.5
GRID_M = 2.0


@dataclass(frozen=True, slots=True)
class Street:
    """How streets are: lanes in a direction, their width, the side, and how badly shapes are drawn (one sigma)."""

    lanes: int = 2
    lane_m: float = 3.2
    drives_left: bool = False
    drawing_error_m: float = 1.5


@dataclass(frozen=True, slots=True)
class Path:
    """What is driven: a polyline, and for each of its points the place on the way (NaN off it) and what it is."""

    x: Float64
    y: Float64
    gone: Float64  # metres from the path's start
    along: Float64
    status: Int8  # of the stretch that begins at the point

    @classmethod
    def _joined(cls, parts: list[tuple[Float64, Float64, Float64, Status]]) -> Path:
        """From stretches of (x, y, along, status), each beginning where the one before ends."""
        x, y, along = (np.concatenate([part[place] for part in parts]) for place in range(3))
        status = np.concatenate([np.full(part[0].size, int(part[3]), np.int8) for part in parts])
        for end in np.cumsum([part[0].size for part in parts])[:-1]:
            status[end - 1] = status[end]
        gone = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x), np.diff(y)))])
        keep = np.diff(gone, append=np.inf) > 1e-6
        return cls(x[keep], y[keep], gone[keep], along[keep], status[keep])

    @classmethod
    def of_way(cls, ways: Ways, way: int) -> Path:
        """The way itself."""
        rows = slice(int(ways.first[way]), int(ways.first[way + 1]))
        return cls._joined([(ways.x[rows], ways.y[rows], ways.along[rows], Status.ON_ROUTE)])

    @classmethod
    def with_detour(cls, ways: Ways, way: int, rng: np.random.Generator) -> Path:
        """Leaves the way somewhere, goes round by 120 to 300 m, and comes back 300 to 800 m on."""
        length = ways.length(way)
        if length < 1500.0:
            return cls.of_way(ways, way)
        out = rng.uniform(0.2, 0.5) * length
        back = min(out + rng.uniform(300.0, 800.0), 0.85 * length)
        (ax, ay), (bx, by) = ways.place(way, out), ways.place(way, back)
        far = max(1.0, float(np.hypot(bx - ax, by - ay)))
        aside = rng.choice([-1.0, 1.0]) * rng.uniform(120.0, 300.0) / far
        px, py = -(by - ay) * aside, (bx - ax) * aside
        x, y = np.array([ax, ax + px, bx + px, bx]), np.array([ay, ay + py, by + py, by])
        return cls._joined(
            [
                (*_piece(ways, way, 0.0, out), Status.ON_ROUTE),
                (x, y, np.full(4, np.nan), Status.OFF_ROUTE),
                (*_piece(ways, way, back, length), Status.ON_ROUTE),
            ]
        )

    @classmethod
    def turning_back(cls, ways: Ways, way: int, rng: np.random.Generator) -> Path:
        """Turns somewhere, goes back 150 to 350 m, and turns again."""
        length = ways.length(way)
        if length < 1500.0:
            return cls.of_way(ways, way)
        turn = rng.uniform(0.3, 0.7) * length
        again = turn - rng.uniform(150.0, 350.0)
        x, y, along = _piece(ways, way, again, turn)
        return cls._joined(
            [
                (*_piece(ways, way, 0.0, turn), Status.ON_ROUTE),
                (x[::-1], y[::-1], along[::-1], Status.WRONG_WAY),
                (*_piece(ways, way, again, length), Status.ON_ROUTE),
            ]
        )


def _piece(ways: Ways, way: int, begin: float, end: float) -> tuple[Float64, Float64, Float64]:
    rows = slice(int(ways.first[way]), int(ways.first[way + 1]))
    along = ways.along[rows]
    inner = along[(along > begin) & (along < end)]
    at = np.concatenate([[begin], inner, [end]])
    return np.interp(at, along, ways.x[rows]), np.interp(at, along, ways.y[rows]), at


@dataclass(frozen=True, slots=True)
class Drive:
    """One run as it was driven: metres gone along the path at moments half a second apart, and the calls made."""

    path: Path
    at: Float64
    gone: Float64
    calls: list[tuple[int, float, float]]  # place in the trip, arrived, departed
    stops: Float64  # metres along the path of the stops called at


def drive(ways: Ways, runs: Runs, run: int, path: Path, ready: float, rng: np.random.Generator) -> Drive:
    """Drives a run: waits at its first stop, leaves late or on time, hurries a little where it is late."""
    way = int(runs.way[run])
    calls = ways.stop_along[ways.call_first[way] : ways.call_first[way + 1]]
    times = slice(int(runs.first[run]), int(runs.first[run + 1]))
    arrival, departure = runs.arrival[times], runs.departure[times]
    on_way = np.flatnonzero(path.status == Status.ON_ROUTE)
    places = [_along_to_gone(path, on_way, float(along)) for along in calls]
    begin = max(ready + 5.0, float(departure[0]) - rng.uniform(60.0, 240.0))
    leave = max(begin + 10.0, float(departure[0]) + rng.exponential(50.0) - 5.0)
    slowness = float(np.exp(rng.normal(0.05, 0.12)))
    clock, gone = [begin, leave], [places[0] or 0.0] * 2
    made = [(0, begin, leave)]
    for call in range(1, calls.size):
        place = places[call]
        if place is None or place < gone[-1]:
            continue
        leg = max(1.0, float(calls[call] - calls[call - 1]))
        seconds = max(10.0, float(arrival[call] - departure[call - 1]) - 12.0)
        cruise = float(np.clip(1.25 * leg / seconds / slowness * np.exp(rng.normal(0.0, 0.15)), 3.0, 19.0))
        for light in _lights(gone[-1], place, rng):
            _ride(clock, gone, light, cruise)
            clock.append(clock[-1] + rng.uniform(5.0, 40.0))
            gone.append(light)
        _ride(clock, gone, place, cruise)
        arrived = clock[-1]
        dwell = 0.0 if call < calls.size - 1 and rng.random() < 0.12 else float(rng.lognormal(2.7, 0.5))
        left = max(arrived + dwell, float(departure[call]) - 90.0 if call < calls.size - 1 else 0.0)
        clock.append(left)
        gone.append(place)
        made.append((call, arrived, left))
    at = np.arange(clock[0], clock[-1], STEP_S)
    stops = np.array([one for one in places if one is not None])
    return Drive(path, at, np.interp(at, clock, gone), made, stops)


def _along_to_gone(path: Path, on_way: np.ndarray, along: float) -> float | None:
    """Where on the path a place of the way is first come to in the right direction; None where it is not."""
    for row in on_way.tolist():
        if row + 1 < path.gone.size and path.along[row] - 1e-6 <= along <= path.along[row + 1] + 1e-6:
            step = path.along[row + 1] - path.along[row]
            share = (along - path.along[row]) / step if step > 0 else 0.0
            return float(path.gone[row] + share * (path.gone[row + 1] - path.gone[row]))
    return None


def _lights(begin: float, end: float, rng: np.random.Generator) -> list[float]:
    """Red lights on the way to a stop, about one in 700 m."""
    count = rng.poisson(max(0.0, end - begin) / 700.0)
    return sorted(rng.uniform(begin, end, count).tolist())


def _ride(clock: list[float], gone: list[float], goal: float, cruise: float) -> None:
    """From a stand to a stand: speeds up, cruises, brakes; adds the moments that draw the curve."""
    way = goal - gone[-1]
    if way <= 0.0:
        return
    top = min(cruise, float(np.sqrt(2.0 * way * ACCELERATION * BRAKING / (ACCELERATION + BRAKING))))
    up, down = top / ACCELERATION, top / BRAKING
    level = (way - 0.5 * top * (up + down)) / top
    start, origin = clock[-1], gone[-1]
    for share in (0.25, 0.5, 0.75, 1.0):
        clock.append(start + share * up)
        gone.append(origin + 0.5 * ACCELERATION * (share * up) ** 2)
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        left = (1.0 - share) * down
        clock.append(start + up + level + share * down)
        gone.append(goal - 0.5 * BRAKING * left * left)


def on_street(one: Drive, moments: Float64, street: Street, rng: np.random.Generator) -> dict[str, Float64]:
    """Where the vehicle truly is at moments of a drive: x, y, along, speed, bearing, lane, status."""
    path = one.path
    gone = np.interp(moments, one.at, one.gone)
    grid = np.arange(0.0, path.gone[-1] + GRID_M, GRID_M)
    x, y, lane = _driven_line(one, grid, street, rng)
    ahead, behind = np.minimum(gone + 1.0, path.gone[-1]), np.maximum(gone - 1.0, 0.0)
    east, north = (np.interp(ahead, grid, line) - np.interp(behind, grid, line) for line in (x, y))
    row = np.clip(np.searchsorted(path.gone, gone, side="right") - 1, 0, path.gone.size - 2)
    share = (gone - path.gone[row]) / (path.gone[row + 1] - path.gone[row])
    status = path.status[row].astype(np.float64)
    return {
        "x": np.interp(gone, grid, x),
        "y": np.interp(gone, grid, y),
        "along": path.along[row] + np.clip(share, 0.0, 1.0) * (path.along[row + 1] - path.along[row]),
        "speed": np.maximum(0.0, np.gradient(gone, moments)) if moments.size > 1 else np.zeros(moments.size),
        "bearing": np.degrees(np.arctan2(east, north)) % 360.0,
        "lane": np.where(
            status == Status.ON_ROUTE, lane[np.clip(np.rint(gone / GRID_M).astype(int), 0, lane.size - 1)], -1
        ),
        "status": status,
    }


def _driven_line(
    one: Drive, grid: Float64, street: Street, rng: np.random.Generator
) -> tuple[Float64, Float64, Float64]:
    """x, y of what is driven every two metres: in a lane of a street that lies a little beside its drawing, round
    the corners; and the lane, -1 between lanes and in bends.
    """
    path = one.path
    row = np.clip(np.searchsorted(path.gone, grid, side="right") - 1, 0, path.gone.size - 2)
    step = path.gone[row + 1] - path.gone[row]
    east, north = (path.x[row + 1] - path.x[row]) / step, (path.y[row + 1] - path.y[row]) / step
    lane = _lanes(one, grid, street.lanes, rng)
    wanted = (street.lanes - lane - 0.5) * street.lane_m  # from the middle of the road towards the kerb
    aside = np.convolve(np.pad(wanted, 8, "edge"), np.full(17, 1 / 17), "valid")
    settled = np.abs(aside - wanted) < 0.3
    aside *= -1.0 if street.drives_left else 1.0
    drawn = [wander(grid.size, street.drawing_error_m, GRID_M / 200.0, rng) for _ in range(2)]
    x = np.interp(grid, path.gone, path.x) + aside * north + drawn[0]
    y = np.interp(grid, path.gone, path.y) - aside * east + drawn[1]
    turn = np.convolve(
        np.pad(np.abs(np.diff(np.arctan2(east, north), append=np.arctan2(east[-1], north[-1]))), 8, "edge"),
        np.ones(17),
        "valid",
    )
    round_corners = np.full(7, 1 / 7)
    x, y = (np.convolve(np.pad(line, 3, "edge"), round_corners, "valid") for line in (x, y))
    return x, y, np.where(settled & (turn < 0.2), lane, -1.0)


def wander(size: int, sd: float, step: float, rng: np.random.Generator) -> Float64:
    """A first-order Gauss-Markov process; `step` is from one value to the next, in correlation lengths."""
    keep = float(np.exp(-step))
    noise = rng.normal(0.0, sd * np.sqrt(1.0 - keep * keep), size)
    noise[:1] = rng.normal(0.0, sd)
    result: Float64 = lfilter([1.0], [1.0, -keep], noise)
    return result


def _lanes(one: Drive, gone: Float64, lanes: int, rng: np.random.Generator) -> Float64:
    """At the kerb near stops, and in whichever lane between them, a new one every 300 m at the most."""
    usual = rng.integers(0, lanes, int(one.path.gone[-1] // 300.0) + 2)
    lane: Float64 = usual[np.clip((gone // 300.0).astype(int), 0, usual.size - 1)].astype(np.float64)
    if one.stops.size:
        near = np.abs(gone[:, None] - one.stops[None, :]).min(axis=1) < 70.0
        lane[near] = 0.0
    return lane
