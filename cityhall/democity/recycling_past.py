"""What was weighed in the demo city's last months, as the files of another system: one scale has drifted meanwhile.

Two CSV files as `cityhall recycling import` and `import-balances` take them. All follows from the seed.
"""

from __future__ import annotations

import csv
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

BUILDINGS, DAYS, A_DAY = 20, 98, 6
DRIFT, SINCE = 0.16, 42
"""By how much the second crew's scale is off, and since how many days. Of three scales, one that is off by more moves
what is usual in a week so far that the others seem to have changed."""
SPREAD, WORD = 0.35, 0.12
"""Spread of logarithms: of what stands ready, and of what is announced of it."""
WEIGHINGS = ("number", "weighed_at", "building", "crew", "district", "material", "grams", "announced", "points")
BALANCES = ("building", "points")


def write_past(
    weighings: Path,
    balances: Path,
    crews: list[str],
    materials: list[tuple[str, int]],
    districts: list[str],
    *,
    seed: int,
    now: datetime,
) -> int:
    """Writes both files; gives how many weighings.

    `crews` by e-mail address, `materials` as (key, points for a kilogram), `districts` by name or slug, "" for none.
    """
    rng, unspent = np.random.default_rng([seed, 31]), Counter[str]()
    with weighings.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(WEIGHINGS)
        for number in range(DAYS * A_DAY):
            ago = DAYS * (1 - number / (DAYS * A_DAY))
            at = now - timedelta(days=ago, hours=2)
            crew, house = int(rng.integers(len(crews))), int(rng.integers(BUILDINGS))
            material, rate = materials[int(rng.integers(len(materials)))]
            brought = 9000 * float(np.exp(rng.normal(0, SPREAD)))
            announced = round(brought * float(np.exp(rng.normal(0, WORD))) / 100) * 100 + 100
            if crew == 1 and ago < SINCE:
                brought *= 1 + DRIFT
            grams = round(brought)
            points = grams * rate // 1000
            name, district = f"Block {house + 1}", districts[house % len(districts)]
            unspent[name] += points
            where = (name, crews[crew], district)
            writer.writerow((f"past-{number}", at.isoformat(), *where, material, grams, announced, points))
    with balances.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(BALANCES)
        writer.writerows((name, points) for name, points in sorted(unspent.items()) if points)
    return DAYS * A_DAY
