"""Maximal covering on a file of points: the most demand that so many facilities on points have within a radius."""

from __future__ import annotations

import gzip
import time
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from cityhall.engines.coverage.covering import Float64, maximal, within


def read(path: Path) -> tuple[Float64, Float64]:
    """(points, 2) places and (points,) demand of a file, or of one packed with gzip.

    The form is that of Lorena and Pereira (2002): a line that begins with the number of points, then `x y demand`.
    Raises ValueError for another.
    """
    data = path.read_bytes()
    try:
        text = (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode()
        lines = [line.split() for line in text.splitlines() if line.strip()]
        count = int(lines[0][0])
        table = np.array([[float(cell) for cell in line[:3]] for line in lines[1 : count + 1]])
        if (
            table.shape != (count, 3)
            or len(lines) > count + 1
            or not np.isfinite(table).all()
            or (table[:, 2] < 0).any()
        ):
            raise ValueError("the first line says how many points follow, and each has x, y and a demand")
    except (ValueError, IndexError, EOFError, OSError, zlib.error) as problem:
        raise ValueError(
            f"{path} is no covering instance ({problem}): give a line `n ...`, then n lines `x y demand`"
        ) from problem
    return table[:, :2], table[:, 2]


def run(path: Path, facilities: list[int], radius: float) -> dict[str, Any]:
    """The proven optimum; "covered" is a list where several numbers of facilities are asked for."""
    if not radius >= 0 or not facilities:
        raise ValueError("give a radius that is not negative, and a number of facilities")
    places, demand = read(path)
    cover = within(places, places, radius)
    began = time.perf_counter()
    found = [maximal(cover, demand, one) for one in facilities]
    seconds = time.perf_counter() - began
    covered = [int(one.covered) if one.covered == int(one.covered) else one.covered for one in found]
    chosen = [(one.chosen + 1).tolist() for one in found]
    single = len(facilities) == 1
    total = float(demand.sum())
    return {
        "instance": path.name,
        "points": len(demand),
        "radius": radius,
        "facilities": facilities[0] if single else facilities,
        "covered": covered[0] if single else covered,
        "share": found[0].covered / total if single else [one.covered / total for one in found],
        # Lines of the file, the first point 1.
        "chosen": chosen[0] if single else chosen,
        "proven": True,
        "seconds": seconds,
    }
