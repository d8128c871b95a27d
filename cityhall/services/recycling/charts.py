"""Places in the desk's drawings (SVG): bars beside the numbers of a table, lines over weeks, points over days.

Each drawing stands beside a table of the same numbers, and has no text in it: that stays as large as the reader's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

WIDTH, HEIGHT = 640, 200
EDGE = 10


def shares(amounts: Sequence[int]) -> list[float]:
    """How long each one's bar is, in per cent of the longest; nothing for what is not above zero."""
    most = max(amounts, default=0)
    return [round(100 * max(0, one) / most, 2) if most > 0 else 0.0 for one in amounts]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of one bar that is 100 long: where it begins, how long it is, and its place among the parts."""

    x: float
    width: float
    number: int


def parts(amounts: Sequence[int]) -> list[Part]:
    """Amounts as the parts of one bar; none where there is nothing."""
    every = sum(max(0, one) for one in amounts)
    made: list[Part] = []
    x = 0.0
    for number, one in enumerate(amounts):
        width = 100 * max(0, one) / every if every else 0.0
        if width:
            made.append(Part(round(x, 2), round(width, 2), number))
        x += width
    return made


@dataclass(frozen=True, slots=True)
class Weeks:
    """Two lines over weeks, as points of polylines; `mark` is where the change is, `base` where 100 per cent is."""

    own: str
    others: str
    mark: float
    base: float
    least: float
    most: float


def weeks(rows: Sequence[Sequence[Any]], since: date) -> Weeks | None:
    """A scale's weeks ([monday, count, per cent, per cent of the others]) with the day of a change; None for none."""
    values = [one for row in rows for one in row[2:4] if one is not None]
    if len(rows) < 2 or not values:
        return None
    first, last = date.fromisoformat(rows[0][0]), date.fromisoformat(rows[-1][0])
    least, most = min(*values, 100.0) - 2, max(*values, 100.0) + 2

    def x(day: date) -> float:
        return round(EDGE + (day - first).days / (last - first).days * (WIDTH - 2 * EDGE), 2)

    def y(value: float) -> float:
        return float(round(EDGE + (most - value) / (most - least) * (HEIGHT - 2 * EDGE), 2))

    def line(column: int) -> str:
        found = [(date.fromisoformat(row[0]), row[column]) for row in rows if row[column] is not None]
        return " ".join(f"{x(day)},{y(value)}" for day, value in found)

    inside = min(max(since, first), last)
    return Weeks(line(2), line(3), x(inside), y(100.0), least, most)


@dataclass(frozen=True, slots=True)
class Dot:
    """A weighing in a drawing over days; `is_own`: it was the crew that is looked at."""

    x: float
    y: float
    height: float
    is_own: bool


@dataclass(frozen=True, slots=True)
class Days:
    """Weighings over days as thin bars, and what is usual elsewhere, as a line at `usual`."""

    dots: tuple[Dot, ...]
    usual: float


def days(rows: Sequence[Sequence[Any]], usual: float) -> Days | None:
    """An account's weighings ([day, grams, points, is own]) against the points that are `usual` with others."""
    if not rows:
        return None
    most = max(*(row[2] for row in rows), usual, 1.0)
    step = WIDTH / len(rows)
    dots = []
    for place, row in enumerate(rows):
        height = round(row[2] / most * (HEIGHT - EDGE), 2)
        dots.append(Dot(round((place + 0.2) * step, 2), round(HEIGHT - height, 2), height, bool(row[3])))
    return Days(tuple(dots), round(HEIGHT - usual / most * (HEIGHT - EDGE), 2))
