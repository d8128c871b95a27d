"""An ambulance city as JEMSS.jl keeps it (University of Auckland, Apache-2.0): roads, stations, demand, how calls come.

Read are the CSV files of one model (`models/1`), the population raster that its demand names, and the settings that
its own calls are drawn from. JEMSS counts in days and kilometres; here it is seconds and kilometres.
"""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from defusedxml import ElementTree

from cityhall.bench.dispatch_draws import Draw, draw
from cityhall.engines.coverage.covering import Bool, Float64, Int64

DAY_S = 86_400.0
Table = list[dict[str, str]]


class ModelError(ValueError):
    """The folder holds no such model; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Streets:
    """(arcs,) tail and head, (modes, arcs) seconds; (nodes, 2) km east and north; which nodes calls may be near."""

    tail: Int64
    head: Int64
    seconds: Float64
    place: Float64
    open: Bool


@dataclass(frozen=True, slots=True)
class Raster:
    """(cells, 2) km east and north of the middles of inhabited cells, their weight, and a cell's (2,) size in km."""

    place: Float64
    weight: Float64
    size: Float64


@dataclass(frozen=True, slots=True)
class CallDraws:
    """How calls come, in seconds; `priority` gives rows from 0, `transport` 0 or 1."""

    interval: Draw
    priority: Draw
    delay: Draw
    scene: Draw
    transport: Draw
    handover: Draw


@dataclass(frozen=True, slots=True)
class Model:
    """S stations, U units, P priorities, M modes. Places are (…, 2) km east and north."""

    streets: Streets
    raster: Raster
    draws: CallDraws
    station: Float64
    capacity: Int64
    hospital: Float64
    home: Int64  # (U,) row of the station
    limit: Float64  # (P,) seconds, call to arrival
    reach: Float64  # (P,) seconds of driving that count as covered
    rate: Float64  # (P,) calls a day
    mode: Int64  # (P,) mode of travel
    off_road: Float64  # (M,) km/h


def read(folder: Path) -> Model:
    """The model in `folder` (or in its `models/1`). Raises ModelError for what is not there or cannot be read."""
    try:
        return _read(folder)
    except ModelError:
        raise
    except (KeyError, ValueError, IndexError, zipfile.BadZipFile, ElementTree.ParseError) as problem:
        raise ModelError(f"{folder} is not a JEMSS model that can be read: {problem!r}") from problem


def _read(folder: Path) -> Model:
    root = next(iter(sorted(folder.glob("models/*/stations")) + sorted(folder.glob("stations"))), None)
    if root is None:
        raise ModelError(f"{folder} holds no models/*/stations: give a city's folder, such as jemss/auckland")
    base = root.parent
    scale_row = _tables(base, "maps/*.csv")["map"][0]
    scale = np.array([float(scale_row["xScale"]), float(scale_row["yScale"])])
    names = _tables(base, "misc/*priorities/*.csv")["priorities"]
    row = {name["name"]: place for place, name in enumerate(names)}
    travel = _tables(base, "travel/travel/*.csv")
    modes = np.zeros(len(row), np.int64)
    for line in travel["travelSets"]:
        modes[row[line["priority"]]] = int(line["travelModeIndex"]) - 1
    demand = _tables(base, "demand/*.csv")
    rate = np.zeros(len(row))
    for line in demand["demandModes"]:
        rate[row[line["priority"]]] += float(line["arrivalRate"])
    reach = np.zeros(len(row))
    for line in _tables(base, "demand/coverage/*.csv")["coverTimes"]:
        reach[row[line["demandPriority"]]] = float(line["coverTime"]) * DAY_S
    stations = _tables(base, "stations/*.csv")["stations"]
    units = _tables(base, "ambulances/*.csv")["ambulances"]
    return Model(
        _streets(base, scale),
        _raster(base, demand["demandRasters"][0]["rasterFilename"], scale),
        _draws(base),
        _places(stations) * scale,
        np.array([int(line.get("capacity") or 1_000) for line in stations]),
        _places(_tables(base, "hospitals/*.csv")["hospitals"]) * scale,
        np.array([int(line["stationIndex"]) - 1 for line in units]),
        np.array([float(name["targetResponseTime"]) * DAY_S for name in names]),
        reach,
        rate,
        modes,
        np.array([float(line["offRoadSpeed"]) / 24 for line in travel["travelModes"]]),
    )


def _places(rows: Table) -> Float64:
    return np.array([[float(row["x"]), float(row["y"])] for row in rows])


def _file(base: Path, pattern: str) -> Path:
    """The first file of a pattern, plain or packed. JEMSS numbers variants of a file: the first is meant."""
    found = sorted([*base.glob(pattern), *base.glob(pattern + ".gz")])
    if not found:
        raise ModelError(f"{base} has no {pattern}")
    return found[0]


def _tables(base: Path, pattern: str) -> dict[str, Table]:
    path = _file(base, pattern)
    data = path.read_bytes()
    return tables((gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8-sig"))


def tables(text: str) -> dict[str, Table]:
    """The tables of one file: a line with the name, a line with the columns, rows, and an empty line after each."""
    found: dict[str, Table] = {}
    name, columns = "", None
    for cells in csv.reader(io.StringIO(text)):
        cells = [cell.strip() for cell in cells]
        if not any(cells):
            name, columns = "", None
        elif not name:
            name = cells[0]
            found[name] = []
        elif columns is None:
            columns = cells
        else:
            found[name].append(dict(zip(columns, cells, strict=False)))
    return found


def _streets(base: Path, scale: Float64) -> Streets:
    folder = base / "travel" / "roads"
    packed = next(iter(sorted(folder.glob("*.zip"))), None)
    if packed is not None:
        with zipfile.ZipFile(packed) as archive:
            read: Callable[[str], dict[str, Table]] = lambda name: tables(archive.read(name).decode("utf-8-sig"))  # noqa: E731
            return streets(read("nodes.csv")["nodes"], read("arcs.csv"), scale)
    return streets(_tables(folder, "nodes.csv")["nodes"], _tables(folder, "arcs.csv"), scale)


def streets(nodes: Table, arcs: dict[str, Table], scale: Float64) -> Streets:
    """The road map of the tables of `nodes.csv` and `arcs.csv`; arcs that are `undirected` go both ways."""
    lines = arcs["arcs"]
    modes = [column for column in lines[0] if column.startswith("mode_")]
    tail = np.array([int(float(line["fromNode"])) - 1 for line in lines])
    head = np.array([int(float(line["toNode"])) - 1 for line in lines])
    seconds = np.array([[float(line[mode]) * DAY_S for line in lines] for mode in modes])
    if arcs["miscData"][0]["arcForm"] == "undirected":
        tail, head, seconds = np.append(tail, head), np.append(head, tail), np.hstack([seconds, seconds])
    reachable = np.array([float(node.get("offRoadAccess") or 1) > 0 for node in nodes])
    return Streets(tail, head, seconds, _places(nodes) * scale, reachable)


def _raster(base: Path, name: str, scale: Float64) -> Raster:
    stem = Path(name.replace("\\", "/")).stem
    for root in (base, base.parent.parent):
        for path in sorted(root.rglob(f"{stem}.*")):
            if path.suffix == ".zip":
                with zipfile.ZipFile(path) as archive:
                    return raster(archive.read(f"{stem}.tif"), scale)
            if path.suffix == ".tif":
                return raster(path.read_bytes(), scale)
    raise ModelError(f"{base} names the raster {stem}.tif, which is neither there nor packed beside it")


def raster(data: bytes, scale: Float64) -> Raster:
    """The inhabited cells of a GeoTIFF in degrees (tags ModelTiepoint and ModelPixelScale; north is up)."""
    import cv2
    from PIL.TiffImagePlugin import ImageFileDirectory_v2

    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
    values = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if values is None or values.ndim != 2:
        raise ModelError("the population raster is no TIFF of one channel")
    tags = ImageFileDirectory_v2(data[:8])
    stream = io.BytesIO(data)
    stream.seek(tags.next)
    tags.load(stream)
    tie, step = tags[33922], tags[33550]
    rows, columns = np.nonzero(values > 0)
    lon = tie[3] + (columns + 0.5 - tie[0]) * step[0]
    lat = tie[4] - (rows + 0.5 - tie[1]) * step[1]
    size = np.array([step[0], step[1]]) * scale
    return Raster(np.column_stack([lon, lat]) * scale, values[rows, columns].astype(np.float64), size)


def _draws(base: Path) -> CallDraws:
    data = _file(base, "calls/*/*/gen_config.xml").read_bytes()
    told = ElementTree.fromstring(data).find(".//callDistributions")
    text: dict[str, str] = {child.tag: (child.text or "").strip() for child in told}
    return CallDraws(
        draw(text["interarrivalTime"], DAY_S),
        draw(text["priority"], 1.0),
        draw(text["dispatchDelay"], DAY_S),
        draw(text["onSceneDuration"], DAY_S),
        draw(text["transport"], 1.0),
        draw(text["handoverDuration"], DAY_S),
    )
