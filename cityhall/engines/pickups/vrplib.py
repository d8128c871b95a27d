"""Published instances and solutions in VRPLIB form, with the sections that PyVRP's sets add; `.gz` is read too.

A node is a place, in the file's order. Distances are also times. What a section or word means is as in PyVRP's
"supported VRPLIB fields"; one that is not known here is an error, because a plan that leaves a rule out is no plan.
"""

from __future__ import annotations

import gzip
import math
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from cityhall.engines.pickups.model import ALWAYS, FOREVER, Int64, Job, Problem, Unloading, Vehicle

MOST = 5000
"""Nodes: the matrix of more does not fit a small machine."""
MOST_VEHICLES = 50_000
FAR_AWAY = 1e9
SCALES = {"whole": 1, "tenths": 10, "thousandths": 1000}
Rows = dict[int, list[float]]

WORDS = {
    "NAME", "COMMENT", "TYPE", "DIMENSION", "VEHICLES", "CAPACITY", "SERVICE_TIME", "EDGE_WEIGHT_TYPE",
    "EDGE_WEIGHT_FORMAT", "NODE_COORD_TYPE", "VEHICLES_MAX_RELOADS",
}  # fmt: skip
BY_NODE = {"NODE_COORD", "DEMAND", "TIME_WINDOW", "SERVICE_TIME", "RELEASE_TIME", "PRIZE"}
BY_VEHICLE = {
    "CAPACITY", "VEHICLES_FIXED_COST", "VEHICLES_UNIT_DISTANCE_COST", "VEHICLES_DEPOT", "VEHICLES_RELOAD_DEPOT",
    "VEHICLES_ALLOWED_CLIENTS",
}  # fmt: skip


class InstanceError(ValueError):
    """A file that is no instance, or no solution, of what is read here; the message says where and why."""


@dataclass(frozen=True, slots=True)
class Instance:
    """`problem` in whole numbers, `scale` of them to one of the file's units; jobs are the nodes behind `depots`."""

    name: str
    kind: str
    problem: Problem
    scale: int
    depots: int


@dataclass(frozen=True, slots=True)
class Solution:
    """A published solution: each route's nodes from 0 (depots are unloadings), and the `cost` that the file gives."""

    routes: tuple[tuple[int, ...], ...]
    cost: float


def read(path: Path, rounding: str | None = None) -> Instance:
    """The instance in a file. Raises InstanceError, and OSError where the file cannot be opened.

    `rounding`: "tenths" truncates to one decimal (DIMACS), "thousandths" and "whole" round. Without, what the set's
    published costs use: thousandths with a mixed fleet, tenths with time windows, otherwise whole.
    """
    words, sections, weights = _parts(path)
    return _Reading(path, words, sections, weights, rounding).instance()


def read_solution(path: Path) -> Solution:
    """The solution in a file. Raises InstanceError, and OSError where the file cannot be opened."""
    routes, cost = [], None
    for number, line in enumerate(_text(path).splitlines(), 1):
        if route := re.fullmatch(r"route\s*#?\s*\d+\s*:?([\d\s]*)", line.strip(), re.IGNORECASE):
            routes.append(tuple(map(int, route[1].split())))
        elif given := re.match(r"cost\s*:?\s*(\S+)", line.strip(), re.IGNORECASE):
            cost = _number(path, number, given[1])
    if cost is None:
        raise InstanceError(f"{path.name}: no line gives its cost")
    return Solution(tuple(routes), cost)


def beside(path: Path) -> Path | None:
    """The solution's file beside an instance's, if there is one."""
    bare = path.with_suffix("") if path.suffix == ".gz" else path
    return next((one for one in (bare.with_suffix(".sol"), bare.with_suffix(".sol.gz")) if one.exists()), None)


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
        return (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    except (gzip.BadGzipFile, EOFError, zlib.error, UnicodeDecodeError) as problem:
        raise InstanceError(f"{path.name}: is no text in VRPLIB form ({problem})") from problem


def _number(path: Path, line: int, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InstanceError(f"{path.name}: line {line}: {text[:40]!r} is no number")
    return value


def _parts(path: Path) -> tuple[dict[str, str], dict[str, Rows], list[float]]:
    """The words, the sections by row, and the weights of edges."""
    words: dict[str, str] = {}
    sections: dict[str, Rows] = {}
    weights: list[float] = []
    section = None
    for number, line in enumerate(_text(path).splitlines(), 1):
        text = line.strip()
        if not text or text == "EOF":
            continue
        if (heading := re.fullmatch(r"([A-Z_]+)_SECTION\s*:?", text)) is not None:
            section = heading[1]
            if section not in BY_NODE | BY_VEHICLE | {"EDGE_WEIGHT", "DEPOT"}:
                raise InstanceError(f"{path.name}: line {number}: {text} is not understood here")
            if section in sections:
                raise InstanceError(f"{path.name}: line {number}: {text} is there twice")
            sections[section] = {}
        elif (word := re.match(r"([A-Z][A-Z_0-9]*)\s*:\s*(.*)", text)) is not None:
            if word[1] not in WORDS:
                raise InstanceError(f"{path.name}: line {number}: {word[1]} is not understood here")
            words[word[1]], section = word[2].strip(), None
        elif section is None:
            raise InstanceError(f"{path.name}: line {number}: {text[:40]!r} belongs to no section")
        else:
            values = [_number(path, number, part) for part in text.split()]
            if section == "EDGE_WEIGHT":
                weights += values
            elif section == "DEPOT":
                sections[section].update({int(value): [] for value in values if value >= 0})
            else:
                row = int(values[0])
                if row in sections[section]:
                    raise InstanceError(f"{path.name}: line {number}: row {row} of {section}_SECTION is there twice")
                sections[section][row] = values[1:]
    return words, sections, weights


class _Reading:
    def __init__(
        self, path: Path, words: dict[str, str], sections: dict[str, Rows], weights: list[float], rounding: str | None
    ) -> None:
        self.path, self.words, self.sections, self.weights = path, words, sections, weights
        self.nodes = self._whole_word("DIMENSION", None)
        if not 1 <= self.nodes <= MOST:
            raise self._wrong(f"DIMENSION is {self.nodes}; from 1 to {MOST} nodes can be read")
        self.depots = list(sections.get("DEPOT", {1: []})) or [1]
        if self.depots != list(range(1, len(self.depots) + 1)) or len(self.depots) > self.nodes:
            raise self._wrong("the depots must be the first nodes, in order")
        self.vehicles = self._whole_word("VEHICLES", max(self.nodes - len(self.depots), 1))
        if not 1 <= self.vehicles <= MOST_VEHICLES:
            raise self._wrong(f"VEHICLES is {self.vehicles}; from 1 to {MOST_VEHICLES} can be read")
        for name, rows in sections.items():
            if name in BY_NODE | BY_VEHICLE:
                many = self.nodes if name in BY_NODE else self.vehicles
                if sorted(rows) != list(range(1, many + 1)):
                    raise self._wrong(f"{name}_SECTION must have the rows 1 to {many}, and has {len(rows)}")
        self.rounding = rounding or self._usual()
        self.scale = SCALES[self.rounding]

    def _usual(self) -> str:
        mixed = {"CAPACITY", "VEHICLES_FIXED_COST", "VEHICLES_UNIT_DISTANCE_COST"} & self.sections.keys()
        return "thousandths" if mixed else "tenths" if "TIME_WINDOW" in self.sections else "whole"

    def _wrong(self, text: str) -> InstanceError:
        return InstanceError(f"{self.path.name}: {text}")

    def _whole_word(self, word: str, default: int | None) -> int:
        given = self.words.get(word)
        if given is None and default is not None:
            return default
        if given is None or re.fullmatch(r"\d{1,9}", given) is None:
            raise self._wrong(f"{word} must be a whole number" + (f", and is {given[:40]!r}" if given else ""))
        return int(given)

    def _scaled(self, value: float) -> int:
        scaled = value * self.scale
        whole = int(scaled) if self.rounding == "tenths" else round(scaled)
        if not -FOREVER <= whole <= FOREVER:
            raise self._wrong(f"{value} is too large")
        return whole

    def _columns(self, name: str, least: int, exactly: bool = True) -> list[list[float]] | None:
        """The rows of a section in order, each with so many values."""
        rows = self.sections.get(name)
        if rows is None:
            return None
        lengths = {len(values) for values in rows.values()}
        if min(lengths) < least or (exactly and lengths != {least}):
            raise self._wrong(f"each row of {name}_SECTION must have {least} value(s) behind its number")
        return [rows[row] for row in sorted(rows)]

    def _by_row(self, name: str, word: str | None, default: float, many: int) -> list[float]:
        """One value a row, from the section, or the same for all from the word."""
        found = self._columns(name, 1)
        if found is not None:
            return [values[0] for values in found]
        given = self.words.get(word) if word else None
        return [default if given is None else _number(self.path, 0, given)] * many

    def instance(self) -> Instance:
        """What the file holds."""
        try:
            ways = self._ways()
            demands = self._loads("DEMAND", self.nodes) or [(0,)] * self.nodes
            able = self._columns("VEHICLES_ALLOWED_CLIENTS", 0, exactly=False)
            allowed = None if able is None else [frozenset(int(node) for node in row) for row in able]
            jobs = self._jobs(demands, allowed)
            problem = Problem(jobs, self._fleet(len(demands[0]), allowed), ways, ways)
        except InstanceError:
            raise
        except ValueError as problem_found:
            raise self._wrong(str(problem_found)) from problem_found
        name = self.words.get("NAME", self.path.stem)
        return Instance(
            name,
            self.words.get("TYPE", "").partition(" ")[0],
            problem,
            self.scale,
            len(self.depots),
        )

    def _ways(self) -> Int64:
        kind = self.words.get("EDGE_WEIGHT_TYPE", "EUC_2D")
        if kind == "EUC_2D":
            points = self._columns("NODE_COORD", 2)
            if points is None:
                raise self._wrong("NODE_COORD_SECTION is missing")
            at = np.array(points)
            if np.abs(at).max() > FAR_AWAY:
                raise self._wrong(f"a coordinate of {np.abs(at).max():g} is too large")
            far = np.sqrt(((at[:, None, :] - at[None, :, :]) ** 2).sum(axis=2))
        elif kind == "EXPLICIT":
            far = self._explicit()
        else:
            raise self._wrong(f"EDGE_WEIGHT_TYPE {kind[:40]} is not understood here: EUC_2D or EXPLICIT")
        np.fill_diagonal(far, 0.0)
        if far.max(initial=0.0) * self.scale > FOREVER or far.min(initial=0.0) < 0:
            raise self._wrong("distances must be at least 0, and not too large")
        rounded: Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]] = (
            np.trunc if self.rounding == "tenths" else np.rint
        )
        return rounded(far * self.scale).astype(np.int64)

    def _explicit(self) -> npt.NDArray[np.float64]:
        form, many = self.words.get("EDGE_WEIGHT_FORMAT", "FULL_MATRIX"), self.nodes
        cells = {
            "FULL_MATRIX": many * many,
            "LOWER_ROW": many * (many - 1) // 2,
            "LOWER_DIAG_ROW": many * (many + 1) // 2,
        }
        if form not in cells:
            raise self._wrong(f"EDGE_WEIGHT_FORMAT {form[:40]} is not understood here: {', '.join(cells)}")
        if len(self.weights) != cells[form]:
            raise self._wrong(f"EDGE_WEIGHT_SECTION must have {cells[form]} numbers, and has {len(self.weights)}")
        if form == "FULL_MATRIX":
            return np.array(self.weights).reshape(many, many)
        made = np.zeros((many, many))
        made[np.tril_indices(many, -1 if form == "LOWER_ROW" else 0)] = self.weights
        return np.maximum(made, made.T)

    def _loads(self, name: str, many: int) -> list[tuple[int, ...]] | None:
        found = self._columns(name, 1, exactly=False)
        if found is None:
            return None
        if len({len(row) for row in found}) > 1:
            raise self._wrong(f"each row of {name}_SECTION must have as many values")
        return [tuple(self._scaled(value) for value in row) for row in found]

    def _jobs(self, demands: list[tuple[int, ...]], allowed: list[frozenset[int]] | None) -> tuple[Job, ...]:
        windows = self._columns("TIME_WINDOW", 2)
        takes = self._by_row("SERVICE_TIME", "SERVICE_TIME", 0, self.nodes)
        release = self._by_row("RELEASE_TIME", None, 0, self.nodes)
        prizes = self._by_row("PRIZE", None, 0, self.nodes)
        jobs = []
        for node in range(len(self.depots), self.nodes):
            window = None if windows is None else (self._scaled(windows[node][0]), self._scaled(windows[node][1]))
            # Of a published set a prize of 0 is none: who has it must be served.
            prize = self._scaled(prizes[node]) or None
            bound = allowed is not None and not all(node + 1 in able for able in allowed)
            jobs.append(
                Job(
                    node, self._scaled(takes[node]), demands[node], () if window is None else (window,),
                    self._scaled(release[node]), prize, frozenset([f"node {node + 1}"] if bound else []),
                )
            )  # fmt: skip
        return tuple(jobs)

    def _fleet(self, compartments: int, allowed: list[frozenset[int]] | None) -> tuple[Vehicle, ...]:
        windows = self._columns("TIME_WINDOW", 2)
        room = self._loads("CAPACITY", self.vehicles)
        if room is None:
            given = self.words.get("CAPACITY")
            each = FOREVER if given is None else self._scaled(_number(self.path, 0, given))
            room = [(each,) * compartments] * self.vehicles
        fixed = self._by_row("VEHICLES_FIXED_COST", None, 0, self.vehicles)
        by_way = self._by_row("VEHICLES_UNIT_DISTANCE_COST", None, 1, self.vehicles)
        home = self._by_row("VEHICLES_DEPOT", None, 1, self.vehicles)
        reload = self._columns("VEHICLES_RELOAD_DEPOT", 0, exactly=False) or [[]] * self.vehicles
        most = self._whole_word("VEHICLES_MAX_RELOADS", MOST * MOST)
        made = []
        for row in range(self.vehicles):
            if by_way[row] != int(by_way[row]):
                raise self._wrong(f"VEHICLES_UNIT_DISTANCE_COST_SECTION: {by_way[row]} is no whole number")
            depot = self._depot(home[row])
            shift = ALWAYS if windows is None else (self._scaled(windows[depot][0]), self._scaled(windows[depot][1]))
            made.append(
                Vehicle(
                    shift, room[row], depot, depot, tuple(Unloading(self._depot(node)) for node in reload[row]),
                    self._scaled(fixed[row]), int(by_way[row]), 0,
                    frozenset(f"node {node}" for node in (allowed[row] if allowed else ())),
                    (), None if most == MOST * MOST else most + 1,
                )
            )  # fmt: skip
        return tuple(made)

    def _depot(self, node: float) -> int:
        if node != int(node) or int(node) not in self.depots:
            raise self._wrong(f"{node:g} is none of its depots")
        return int(node) - 1
