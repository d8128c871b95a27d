"""A vehicle's state as JSON, to go on after a restart, also with another feed: trips are named, not numbered, places
are degrees.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from cityhall.engines.positioning.follow import still_there
from cityhall.engines.positioning.runs import Runs
from cityhall.engines.positioning.state import GUESS, GUESSES, VEHICLE, Live, Net, Records, new_guesses, new_vehicles
from cityhall.engines.positioning.ways import Ways

VERSION = 1
NEAR_M = 150.0
"""A way of a new feed that does not run this near to where the old one did is another way."""
ELSEWHERE = ("x", "y", "jumps", "hint_trip", "hint_run", "hint_route", "best", "rival", "last_run")
"""Fields that are kept in another form, or not at all."""
MAY_BE_UNKNOWN = (
    *("course", "searched", "jump_at", "back_at", "rival_since", "arrived", "stood", "left_at", "done_at", "margin"),
)


@dataclass(frozen=True, slots=True)
class Read:
    """What a memory holds: one record, and (GUESSES,) of them, and the last call given of the run it drives."""

    vehicle: Records
    guesses: Records
    called: int


def write(ways: Ways, runs: Runs, live: Live, vehicle: Records, guesses: Records) -> dict[str, Any]:
    """The state of a vehicle that was heard."""
    lon, lat = ways.plane.degrees(vehicle["x"], vehicle["y"])
    best = int(vehicle["best"])
    return {
        "version": VERSION,
        "lon": float(lon),
        "lat": float(lat),
        "hint": _name(ways, runs, int(vehicle["hint_run"])),
        "last": _name(ways, runs, int(vehicle["last_run"])),
        "called": int(live.called[guesses[best]["run"]]) if best >= 0 else -1,
        "vehicle": _values(vehicle, VEHICLE.names or (), ELSEWHERE),
        "guesses": [
            {
                "trip": _name(ways, runs, int(guess["run"])),
                "best": slot == best,
                "rival": slot == int(vehicle["rival"]),
                "place": _degrees(ways, int(guess["way"]), float(guess["s"])),
                **_values(guess, GUESS.names or (), ("way", "run")),
            }
            for slot, guess in enumerate(guesses)
            if guess["way"] >= 0
        ],
    }


def _degrees(ways: Ways, way: int, s: float) -> list[float]:
    x, y = ways.place(way, s)
    lon, lat = ways.plane.degrees(np.array(x), np.array(y))
    return [float(lon), float(lat)]


def _name(ways: Ways, runs: Runs, run: int) -> list[str] | None:
    if run < 0:
        return None
    return [ways.trip_id[int(runs.trip[run])], date.fromordinal(int(runs.service_day[run])).isoformat()]


def _values(record: Records, names: tuple[str, ...], left_out: tuple[str, ...]) -> dict[str, float | int | None]:
    """Numbers by name; what JSON cannot hold is null: NaN, and the infinity of "never searched"."""
    # The whole record at once: field by field takes five times as long, and this is done for every vehicle.
    values = zip(names, record.item(), strict=True)
    return {name: value if math.isfinite(value) else None for name, value in values if name not in left_out}


def read(ways: Ways, runs: Runs, net: Net, memory: dict[str, Any], now: float, oldest_s: float) -> Read | None:
    """What `write` gave, for these ways and runs; None where it is too old, damaged or of another version."""
    try:
        if memory.get("version") != VERSION or not now - oldest_s <= float(memory["vehicle"]["at"]) <= now + 60.0:
            return None
        return _read(ways, runs, net, memory)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, IndexError):
        return None


def _read(ways: Ways, runs: Runs, net: Net, memory: dict[str, Any]) -> Read:
    vehicle, guesses = new_vehicles(1), new_guesses(1)[0]
    _fill(vehicle[0], memory["vehicle"], VEHICLE.names or (), ELSEWHERE)
    x, y = ways.plane.metres(memory["lon"], memory["lat"])
    if not (math.isfinite(x) and math.isfinite(y)):
        raise ValueError("no place")
    vehicle["x"], vehicle["y"] = x, y
    vehicle["hint_run"], vehicle["last_run"] = (_run(ways, runs, memory[name]) for name in ("hint", "last"))
    if vehicle["hint_run"][0] >= 0:
        vehicle["hint_trip"] = runs.trip[vehicle["hint_run"][0]]
    if math.isnan(vehicle["searched"][0]):
        vehicle["searched"] = -math.inf
    slot = 0
    for told in memory["guesses"][:GUESSES]:
        if _read_guess(ways, runs, net, guesses[slot], told):
            if told["best"]:
                vehicle["best"] = slot
            if told["rival"]:
                vehicle["rival"] = slot
            slot += 1
    return Read(vehicle[0], guesses, int(memory["called"]) if vehicle["best"][0] >= 0 else -1)


def _read_guess(ways: Ways, runs: Runs, net: Net, guess: Records, told: dict[str, Any]) -> bool:
    """False, and the slot stays empty, where the trip is no more or runs elsewhere."""
    run = _run(ways, runs, told["trip"])
    if run < 0:
        return False
    way, s = int(runs.way[run]), float(told["s"])
    x, y = ways.plane.metres(told["place"][0], told["place"][1])
    if not 0.0 <= s <= ways.length(way) or not still_there(net, way, s, float(x), float(y)) < NEAR_M:
        return False
    _fill(guess, told, GUESS.names or (), ("way", "run"))
    guess["way"], guess["run"] = way, run
    if math.isnan(guess["margin"]):
        guess["margin"] = math.inf
    return True


def _fill(record: Records, values: dict[str, Any], names: tuple[str, ...], left_out: tuple[str, ...]) -> None:
    for name in names:
        if name not in left_out:
            value = math.nan if values[name] is None else values[name]
            if not math.isfinite(value) and name not in MAY_BE_UNKNOWN:
                raise ValueError(name)
            record[name] = value


def _run(ways: Ways, runs: Runs, name: list[str] | None) -> int:
    if name is None:
        return -1
    trip = ways.trip_row.get(name[0], -1)
    return runs.row(trip, date.fromisoformat(name[1])) if trip >= 0 else -1
