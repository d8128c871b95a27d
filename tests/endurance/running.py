"""One run: a city, residents, devices and hostile peers at once; what was measured, and what that shows."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.e2e.conftest import ROOT
from tests.endurance import measure, quiet
from tests.endurance.city import City, started
from tests.endurance.hostile import BROKEN
from tests.endurance.measure import MB, Sample, look

MOST_MEMORY = 0.5
"""MB a minute by which a process may seem to grow over the second half: over fifteen minutes that is 7.5 MB, by which
an allocator's working set moves to and fro by itself. What leaks with each request shows: at some forty requests a
second 200 bytes of each are as much."""
MOST_DISK = 1.0
"""MB a minute of what nobody was told is kept: the database's own files, the log, what was made and should be gone."""
PROCESSES = ("web", "worker", "devices", "urgent", "up", "postgres")
APART = {
    "media": "photos that were taken",
    "mail-in": "letters, which the mail server brought",
    "mail": "mails of the city, which a mail server would have taken away",
    "postgres/pg_wal": "the database's log, which goes round within max_wal_size",
}
"""Folders that grow by right, or up to a bound of their own; told, not judged."""
QUIET_MS = 500.0
BACK_S = 90.0
"""The city lets go of the last slow ones by then."""


def endure(place: Path, minutes: float, only: list[str], say: Any = lambda _text: None) -> dict[str, Any]:
    """Starts a city in `place`, attacks it for so many minutes (with `only` those kinds), and tells what came of it."""
    say("starting a city")
    with started(place) as city:
        seen: list[quiet.Seen] = []
        people = quiet.residents(city, seen)
        calm_s = min(60.0, 6 * minutes)
        say(f"{city.address}: {calm_s:.0f} s without anybody hostile")
        with _threads([one.run for one in people]):
            time.sleep(calm_s)
            before, began = look(city), time.monotonic()
            say(f"{minutes:g} minutes with them")
            meter = measure.Meter(city)
            with _threads([meter.run]):
                hostile = _attacked(city, 60 * minutes, place, only)
            ended = time.monotonic()
        say("what is left of them")
        after = _after(city, before)
        result = {
            "minutes": round((ended - began) / 60, 2),
            "quiet": quiet.told([one for one in seen if began <= one.at < ended]),
            "calm": quiet.told([one for one in seen if one.at < began and one.page != "prepare"]),
            "hostile": hostile,
            "letters_waiting": len(list((city.mailbox / "new").iterdir())),
            **_grown(meter.samples, before, after),
        }
    judged = verdicts(result)
    return {"ok": all(judged.values()), **result, "verdicts": judged}


@contextmanager
def _threads(runs: list[Any]) -> Iterator[None]:
    """What runs beside the block, and is told to stop at its end."""
    stop = threading.Event()
    threads = [threading.Thread(target=run, args=(stop,), daemon=True) for run in runs]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(quiet.LONGEST_S)


def _attacked(city: City, seconds: float, place: Path, only: list[str]) -> dict[str, Any]:
    """Attacks in a process of their own, so that who measures does not wait for those who attack."""
    file = place / "hostile.json"
    command = [sys.executable, "-m", "tests.endurance.attacking", city.as_json(), str(seconds), str(file), *only]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        # Each may still be waiting for an answer.
        process.wait(seconds + 120)
    finally:
        process.kill()
        process.wait()
    told: dict[str, Any] = json.loads(file.read_text())
    return told


def _after(city: City, before: Sample) -> Sample:
    """The city once the hostile are gone and it has let go of them; as it is after BACK_S where it has not."""
    deadline = time.monotonic() + BACK_S
    while True:
        after = look(city)
        if not _left(before, after) or time.monotonic() > deadline:
            return after
        time.sleep(3)


def _left(before: Sample, after: Sample) -> dict[str, float]:
    """What has not come back: descriptors and threads over those that there were, by kind of process."""
    # The web's pools of sixteen threads are made as they are needed, each with a connection to the database (42 were
    # seen), and a process that was young opens what it needs. What peers hold, they hold by the hundred.
    room = {"descriptors": 64, "threads": 30}
    return {
        name: number - before.counts.get(name, 0)
        for name, number in after.counts.items()
        if number - before.counts.get(name, 0) > room.get(name.rpartition(" ")[2], float("inf"))
    }


def _grown(samples: list[Sample], before: Sample, after: Sample) -> dict[str, Any]:
    slopes = measure.slopes(samples)
    tables = sum(slope for name, slope in slopes["tables"].items() if measure.kept(name))
    unaccounted = {name: slope for name, slope in slopes["disk"].items() if name not in APART}
    unaccounted["postgres/base"] = round(unaccounted.get("postgres/base", 0.0) - tables, 3)
    rows = {name: int(number - before.rows.get(name, 0)) for name, number in after.rows.items()}
    largest = sorted(after.tables, key=lambda name: before.tables.get(name, 0) - after.tables[name])[:15]
    return {
        "memory_mb_min": slopes["memory"],
        "memory_mb": {
            name: [round(one.memory.get(name, 0) / MB, 1) for one in (before, after)] for name in after.memory
        },
        "disk_mb_min": slopes["disk"],
        "disk_unaccounted_mb_min": unaccounted,
        "disk_mb": {name: [round(one.disk.get(name, 0) / MB, 1) for one in (before, after)] for name in after.disk},
        "tables_kept_mb_min": round(tables, 3),
        "tables": {
            name: {"rows": rows[name], "mb": round((after.tables[name] - before.tables.get(name, 0)) / MB, 2)}
            for name in largest
        },
        "accepted": {"reports": rows.get("reports_report", 0), "photos": rows.get("reports_photo", 0)}
        | {"calls": rows.get("safety_alert", 0)},
        "counts": {
            name: {
                "before": before.counts.get(name, 0),
                "most": max((one.counts.get(name, 0) for one in samples), default=0),
                "after": after.counts.get(name, 0),
            }
            for name in sorted({name for one in (*samples, after) for name in one.counts})
        },
        "left": _left(before, after),
    }


def verdicts(result: dict[str, Any]) -> dict[str, bool]:
    """What the numbers show."""
    memory = {name: result["memory_mb_min"].get(name, 0.0) for name in PROCESSES}
    broken = [name for name, one in result["hostile"].items() if set(BROKEN) & set(one["outcomes"])]
    return {
        "memory_flat": all(slope < MOST_MEMORY for slope in memory.values()),
        "disk_flat": sum(result["disk_unaccounted_mb_min"].values()) < MOST_DISK,
        "quiet_p95": result["quiet"]["p95"] < QUIET_MS,
        "quiet_served": result["quiet"]["server_errors"] == 0 and result["quiet"]["share_200"] > 0.999,
        "nothing_through": not any(one["through"] for one in result["hostile"].values()),
        "nothing_broken": not broken,
        "given_back": not result["left"],
    }
