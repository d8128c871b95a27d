"""What was reported in the demo city's past, as the file of another system: done in time, late, or still open."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from cityhall.simulator.residents import Residents

DAYS = 60
COLUMNS = ("number", "category", "text", "lon", "lat", "address", "filed_at", "due_at", "done_at")
PROMISED_H = {
    "pothole": 120,
    "streetlight": 72,
    "dumping": 72,
    "bins": 48,
    "flood": 4,
    "drain": 48,
    "tree": 120,
    "graffiti": 240,
}
"""Hours by the clock, as the old system counted."""
LATE = {"pothole": 0.3, "streetlight": 0.12, "dumping": 0.08, "bins": 0.06, "flood": 0.15, "drain": 0.22, "tree": 0.25}
"""Share that was done late, by category; RARELY for the others."""
RARELY = 0.1
OPEN = 0.07
"""Share that nobody has done yet: those of the last days, and some that lie on."""


def write_past(
    path: Path, residents: Residents, count: int, now: datetime, address: Callable[[float, float], str]
) -> None:
    """Writes a CSV of COLUMNS with `count` reports of the last DAYS; `address` names a place (lon, lat)."""
    rng = residents.rng
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for number in range(count):
            told = residents.tell(residents.event(0.0))
            promised = timedelta(hours=PROMISED_H[told.category])
            late = rng.random() < LATE.get(told.category, RARELY)
            took = promised * float(rng.uniform(1.05, 2.0) if late else rng.beta(2, 2.5))
            still_open = rng.random() < OPEN
            if still_open:
                # Filed so that about one in three is late by now, one is due soon, and one has time.
                filed = now - promised * float(rng.uniform(0.4, 1.3))
            else:
                filed = now - took - timedelta(days=float(rng.uniform(0, DAYS)))
            done = "" if still_open else (filed + took).isoformat()
            place = (told.lon, told.lat, address(told.lon, told.lat))
            values = (*place, filed.isoformat(), (filed + promised).isoformat(), done)
            writer.writerow((f"past-{number}", told.category, told.text, *values))
