"""What a picture shows, as a network sees it that learnt from a million pictures: features, and a guess at a thing."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

SIDE = 224
"""px a side of what the network sees."""
EMBEDDING = 1280
CLASSES = 1000
CROP = SIDE / (SIDE + 32)
"""Share of the shorter side that is looked at, as when the network was measured."""
Array = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Seen:
    """`embedding` (EMBEDDING,), each from 0 to 6; `classes` (CLASSES,) probabilities, in the order of `names()`."""

    embedding: Array
    classes: Array


@lru_cache(maxsize=1)
def names() -> tuple[str, ...]:
    """The first English name of each of ImageNet's classes; "crane" and "maillot" are there twice."""
    return tuple(files(__package__).joinpath("classes.txt").read_text(encoding="utf-8").splitlines())


class Network:
    """The network in memory, about 60 MB. Threads may share it: they take turns."""

    def __init__(self, path: Path) -> None:
        """Reads what `network.graph` made. Raises ValueError for a file that is none of it."""
        import cv2

        try:
            self._net: Any = cv2.dnn.readNetFromONNX(str(path))
        except cv2.error as problem:
            raise ValueError(f"{path.name} is no network: {problem}") from problem
        self._turn = Lock()

    def look(self, picture: npt.NDArray[np.uint8]) -> Seen:
        """What is in an RGB picture (height, width, 3). Raises ValueError for an array of another form."""
        given = prepared(picture)
        with self._turn:
            self._net.setInput(given)
            embedding, logits = self._net.forward(["embedding", "logits"])
            return Seen(embedding[0].copy(), softmax(logits[0]))


def prepared(picture: npt.NDArray[np.uint8]) -> Array:
    """(1, 3, SIDE, SIDE): the middle of the picture, made small, as (value - 127) / 128. Raises ValueError."""
    import cv2

    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3 or min(picture.shape) < 1:
        raise ValueError("a picture has the form (height, width, 3), in bytes")
    height, width = picture.shape[:2]
    side = max(1, round(min(height, width) * CROP))
    top, left = (height - side) // 2, (width - side) // 2
    middle = np.ascontiguousarray(picture[top : top + side, left : left + side])
    small = cv2.resize(middle, (SIDE, SIDE), interpolation=cv2.INTER_AREA if side > SIDE else cv2.INTER_CUBIC)
    values: Array = (small.astype(np.float32) - 127) / np.float32(128)
    return values.transpose(2, 0, 1)[None]


def softmax(logits: Array) -> Array:
    """Probabilities of logits, along the last axis."""
    shares = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=-1, keepdims=True), np.float32)
