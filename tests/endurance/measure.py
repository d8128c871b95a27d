"""What a running city holds: memory by kind of process, disk by folder, rows, connections, threads, descriptors."""

from __future__ import annotations

import re
import threading
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil
import psycopg

from tests.endurance.city import City

EVERY_S = 5.0
KEPT = re.compile(
    r"^(reports|cases|journal|media|transit|vehicles|map|places|deadlines|indicators|notify|procrastinate|devices|safety"
    r"|evidence)_"
)
"""Tables of what the city has taken: reports and their cases, calls for help, where buses were, what happened, jobs."""
NOT_KEPT = ("reports_refused", "devices_dropcount")
MB = 1e6


@dataclass
class Sample:
    """One look. Bytes by process, folder and table; `at` in s of the monotonic clock."""

    at: float
    memory: dict[str, float] = field(default_factory=dict)
    disk: dict[str, float] = field(default_factory=dict)
    tables: dict[str, float] = field(default_factory=dict)
    rows: dict[str, float] = field(default_factory=dict)
    counts: dict[str, float] = field(default_factory=dict)


class Meter:
    """Looks every EVERY_S until it is told to stop."""

    def __init__(self, city: City) -> None:
        self._city = city
        self.samples: list[Sample] = []

    def run(self, stop: threading.Event) -> None:
        while True:
            self.samples.append(look(self._city))
            if stop.wait(EVERY_S):
                return


def look(city: City) -> Sample:
    """One sample."""
    sample = Sample(time.monotonic())
    _processes(city, sample)
    _disk(city, sample)
    try:
        _tables(city, sample)
    except (psycopg.Error, OSError):
        sample.counts["no database"] = 1
    return sample


def _processes(city: City, sample: Sample) -> None:
    """Memory that is a process's own: what is resident, less what it shares with others (files, shared buffers)."""
    memory: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    for process in _family(city):
        try:
            kind = _kind(process, city)
            own = process.memory_info()
            memory[kind] += own.rss - own.shared
            counts[f"{kind} processes"] += 1
            if kind not in ("postgres", "confined", "simulator"):
                counts[f"{kind} threads"] += process.num_threads()
                counts[f"{kind} descriptors"] += process.num_fds()
        except psutil.Error:
            continue
    # It comes and goes with each picture.
    sample.memory = {kind: float(size) for kind, size in memory.items() if kind != "confined"}
    sample.counts |= {name: float(number) for name, number in counts.items()}
    sample.counts["confined MB"] = round(memory["confined"] / MB, 1)


def _family(city: City) -> list[psutil.Process]:
    found = [psutil.Process(city.process)]
    found += found[0].children(recursive=True)
    number = int((Path(city.folder) / "postgres" / "postmaster.pid").read_text().split("\n")[0])
    try:
        postmaster = psutil.Process(number)
        found += [postmaster, *postmaster.children()]
    except psutil.NoSuchProcess:
        pass
    return list({one.pid: one for one in found}.values())


def _kind(process: psutil.Process, city: City) -> str:
    words = process.cmdline()
    if "--only" in words:
        return str(words[words.index("--only") + 1])
    text = " ".join(words)
    for sign, kind in (("cityhall.kernel.confined", "confined"), ("cityhall.simulator", "simulator")):
        if sign in text:
            return kind
    if "postgres" in process.name():
        return "postgres"
    return "up" if process.pid == city.process else "other"


def _disk(city: City, sample: Sample) -> None:
    """Bytes and files by the part of the city's folder that they lie in, with the log beside it."""
    folder = Path(city.folder)
    sizes: Counter[str] = Counter({"log": Path(city.log).stat().st_size})
    files: Counter[str] = Counter()
    for path in folder.rglob("*"):
        try:
            stat = path.lstat()
        except OSError:
            continue
        part = path.relative_to(folder).parts
        name = part[0]
        if name == "postgres":
            name = f"postgres/{part[1]}" if len(part) > 2 and part[1] in ("base", "pg_wal") else "postgres/other"
        elif len(part) == 1:
            name = "other"
        if path.is_file():
            sizes[name] += stat.st_blocks * 512
            files[name] += 1
    sample.disk = {name: float(size) for name, size in sizes.items()}
    sample.counts |= {f"{name} files": float(number) for name, number in files.items()}


def _tables(city: City, sample: Sample) -> None:
    with city.database() as connection:
        found = connection.execute(
            "SELECT relname, pg_total_relation_size(relid)::float8, n_live_tup::float8 FROM pg_stat_user_tables"
        ).fetchall()
        sample.tables = {str(name): float(size) for name, size, _rows in found}
        sample.rows = {str(name): float(rows) for name, _size, rows in found}
        others = connection.execute("SELECT count(*) FROM pg_stat_activity WHERE usename <> 'postgres'").fetchone()
        sample.counts["connections"] = float(others[0] if others else 0)


def kept(table: str) -> bool:
    """Whether a table holds what the city has taken, and so grows by right."""
    return bool(KEPT.match(table)) and table not in NOT_KEPT


def slope(at: list[float], values: list[float]) -> float:
    """By how much a minute, in the unit of `values`: the least squares' line. `at` in s."""
    if len(at) < 3:
        return 0.0
    return float(np.polyfit((np.array(at) - at[0]) / 60, np.array(values), 1)[0])


def second_half(samples: list[Sample]) -> list[Sample]:
    """What comes after the warm-up: memories fill, and the database finds how large it has to be."""
    return samples[len(samples) // 2 :]


def slopes(samples: list[Sample]) -> dict[str, dict[str, float]]:
    """MB a minute, over the second half: "memory" by process, "disk" by folder, "tables" by table."""
    later = second_half(samples)
    at = [one.at for one in later]
    found: dict[str, dict[str, float]] = {}
    for what in ("memory", "disk", "tables"):
        series: dict[str, list[float]] = defaultdict(list)
        for one in later:
            for name in {name for other in later for name in getattr(other, what)}:
                series[name].append(getattr(one, what).get(name, 0.0) / MB)
        found[what] = {name: round(slope(at, values), 3) for name, values in sorted(series.items())}
    return found
