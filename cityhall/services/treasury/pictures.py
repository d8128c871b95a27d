"""Places in the pages' drawings (SVG): the bars of what expires by month, and a balance over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cityhall.kernel.ledger import queries
from cityhall.kernel.ledger.models import Account
from cityhall.services.treasury.reading import Due

WIDTH, HEIGHT, FOOT = 640, 200, 24
STEPS = 120
"""Instants of a balance's line."""


@dataclass(frozen=True, slots=True)
class Part:
    """A rectangle of a bar; `number` is its origin's place among them."""

    number: int
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Bar:
    """What expires in a month, from below to the top."""

    due: Due
    x: float
    width: float
    middle: float
    parts: tuple[Part, ...]


def bars(dues: Sequence[Due]) -> list[Bar]:
    """A bar for each month, the largest as high as the drawing."""
    most = max((due.amount for due in dues), default=0) or 1
    step = WIDTH / max(1, len(dues))
    return [_bar(due, number * step, step, most) for number, due in enumerate(dues)]


def _bar(due: Due, x: float, step: float, most: int) -> Bar:
    parts: list[Part] = []
    top = float(HEIGHT - FOOT)
    for number, amount in enumerate(due.parts):
        height = amount / most * (HEIGHT - FOOT - 8)
        top -= height
        if amount:
            parts.append(Part(number, round(top, 2), round(height, 2)))
    width = min(56.0, step * 0.7)
    return Bar(due, round(x + (step - width) / 2, 2), round(width, 2), round(x + step / 2, 2), tuple(parts))


@dataclass(frozen=True, slots=True)
class Line:
    """A balance over time: points of a line in steps, where zero is, and the least and most that it was."""

    points: str
    zero: float
    least: int
    most: int


def line(account: Account, begin: datetime, end: datetime) -> Line | None:
    """A balance between two instants, looked up at some of them; None where it was the same all the time."""
    moments = [begin + (end - begin) * step / STEPS for step in range(STEPS + 1)]
    values = [account.side * queries.posted_at(account.pk, moment) for moment in moments]
    least, most = min(*values, 0), max(*values, 0)
    if len(set(values)) < 2:
        return None

    def y(value: int) -> float:
        return round(8 + (most - value) / (most - least) * (HEIGHT - 16), 2)

    said: list[str] = []
    for number, value in enumerate(values):
        x = round(number / STEPS * WIDTH, 2)
        if number:
            said.append(f"{x},{y(values[number - 1])}")
        said.append(f"{x},{y(value)}")
    return Line(" ".join(said), y(0), min(values), max(values))
