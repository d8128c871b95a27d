"""Photos that are looked at beside one another: what is blurred in one is what is in it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from cityhall.engines.pictures import faces
from tests.services.reports.test_sensing import face

pytestmark = pytest.mark.attack

WORKERS = 4
"""Threads that look at photos in a started city."""


def street(number: int) -> Image.Image:
    """A face at a place of its own, in a picture of a size of its own, before a wall with edges."""
    rng = np.random.default_rng(number)
    wall = rng.integers(90, 190, (40, 50, 3), dtype=np.uint8)
    size = (520 + 37 * (number % 7), 420 + 29 * (number % 5))
    image = Image.fromarray(wall).resize(size, Image.Resampling.NEAREST)
    image.paste(face(260, 300), (20 + 18 * number, 10 + 9 * number))
    return image


def seen(picture: Image.Image) -> tuple[set[faces.Box], bool]:
    """What is to be blurred, without the order, which is OpenCV's own threads' doing."""
    found = faces.detect(picture)
    return set(found.boxes), found.sure


def test_a_dozen_photos_at_once_are_blurred_where_their_own_faces_are() -> None:
    pictures = [street(number) for number in range(12)]
    alone = [seen(picture) for picture in pictures]
    assert len({frozenset(boxes) for boxes, _sure in alone}) == 12 and all(boxes for boxes, _sure in alone)
    with ThreadPoolExecutor(WORKERS) as threads:
        together = list(threads.map(seen, pictures))
    assert together == alone
