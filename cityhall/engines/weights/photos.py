"""The same photograph twice, though it was saved anew, made smaller or cut at its edges.

Photographs of one scale are alike, so a hash alone would take many for the same. A difference hash (N. Krawetz, "Kind
of Like That", 2013) finds which could be; then one is laid on the other, cut at its edges as fits best, and both
have to rise and fall at the same places (normalised correlation of gradients).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import IO

import numpy as np
import numpy.typing as npt
from PIL import Image

SIDE = 16
WIDE, HIGH = 48, 36
"""Pixels at which two are compared; what is kept of one is twice as large."""
CANDIDATES = 12
STEPS = (0.04, 0.02, 0.01)
"""Shares of a side by which edges are moved when one is laid on the other."""
DEEPEST = 0.16
"""So much may be cut off at an edge."""
ALIKE = 0.92
"""Correlation from which two are the same photograph."""
FLAT = 6.0
"""Standard deviation of grey (0 to 255) below which a picture shows nothing by which it could be known again."""
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Mark:
    """What is kept of a photograph: a hash of 32 bytes, and grey values, (2 · HIGH, 2 · WIDE)."""

    bits: Bytes
    grey: Bytes


def mark(file: IO[bytes] | str) -> Mark | None:
    """The mark of a picture, None for one that shows nothing. Raises OSError (PIL's) for what is no picture."""
    with Image.open(file) as opened:
        grey = opened.convert("L").resize((2 * WIDE, 2 * HIGH), Image.Resampling.BOX)
    values = np.asarray(grey)
    if float(values.std()) < FLAT:
        return None
    small = np.asarray(grey.resize((SIDE + 1, SIDE), Image.Resampling.BOX), np.int16)
    return Mark(np.packbits(small[:, 1:] > small[:, :-1]), values)


def same(one: Mark, others: Sequence[Mark]) -> tuple[int, float] | None:
    """Which of `others` is the same photograph, and how alike they are (ALIKE to 1); None where none is."""
    if not others:
        return None
    differ = np.bitwise_count(np.stack([other.bits for other in others]) ^ one.bits).sum(axis=1)
    nearest = np.argsort(differ, kind="stable")[:CANDIDATES]
    at, alike = max(((int(place), likeness(one, others[place])) for place in nearest), key=lambda found: found[1])
    return (at, alike) if alike >= ALIKE else None


def likeness(one: Mark, other: Mark) -> float:
    """From -1 to 1: how alike two are where either is cut as fits best."""
    return max(_laid(one, other), _laid(other, one))


def _laid(whole: Mark, part: Mark) -> float:
    """`part` against what of `whole` fits it best: edges are moved by ever smaller steps while that helps."""
    picture = Image.fromarray(whole.grey)
    wanted = _slopes(Image.fromarray(part.grey), (0.0, 0.0, 0.0, 0.0))
    cut: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0)
    best = -1.0
    for edges in product((0.0, 0.04, 0.08), repeat=4):
        alike = float(wanted @ _slopes(picture, edges))
        if alike > best:
            cut, best = edges, alike
    for step in STEPS:
        moved = True
        while moved:
            moved = False
            for edge, way in product(range(4), (step, -step)):
                tried = tuple(min(DEEPEST, max(0.0, at + way)) if edge == place else at for place, at in enumerate(cut))
                alike = float(wanted @ _slopes(picture, tried))
                if alike > best + 1e-6:
                    cut, best, moved = tried, alike, True
    return best


def _slopes(picture: Image.Image, cut: tuple[float, ...]) -> npt.NDArray[np.float64]:
    """The gradients of a picture cut at left, top, right, bottom by these shares, as a vector of length 1."""
    box = (cut[0] * 2 * WIDE, cut[1] * 2 * HIGH, (1 - cut[2]) * 2 * WIDE, (1 - cut[3]) * 2 * HIGH)
    small = np.asarray(picture.resize((WIDE, HIGH), Image.Resampling.BILINEAR, box), np.float64)
    slopes = np.concatenate([np.diff(small, axis=0).ravel(), np.diff(small, axis=1).ravel()])
    slopes -= slopes.mean()
    return np.asarray(slopes / max(1e-9, float(np.linalg.norm(slopes))))
