"""Looking at a photo of any size, for a process of its own (kernel/confined.py): files in, JSON and files out.

A photo may have fifty million pixels, of which a few copies are a gigabyte: whoever calls these is rid of them with the
process. Values are as JSON has them, and paths are text.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from cityhall.engines.pictures.faces import Box, blurred, detect
from cityhall.engines.pictures.model import Network

QUALITY = 85
"""Of the JPEG in which nobody can be made out."""


def look(whole: str, network: str, public: str) -> dict[str, Any]:
    """What is in a photo: {"boxes", "sure", "embedding"}, as faces.Found has them and `embedding` gives it.

    Where the detector is sure and `public` is named, the copy with everything found blurred is written there (JPEG).
    """
    picture = _picture(whole)
    found = detect(picture)
    if found.sure and public:
        blurred(picture, found.boxes).save(public, "JPEG", quality=QUALITY)
    return {"boxes": found.boxes, "sure": found.sure, "embedding": _embedding(picture, network) if network else ""}


def embedding(whole: str, network: str) -> str:
    """What the network makes of a photo: base64 of half-precision floats, little-endian."""
    return _embedding(_picture(whole), network)


def blur(whole: str, boxes: list[Box], public: str) -> None:
    """Writes a copy of a photo in which nothing can be made out in the boxes."""
    blurred(_picture(whole), tuple(boxes)).save(public, "JPEG", quality=QUALITY)


def _picture(whole: str) -> Image.Image:
    with Image.open(Path(whole)) as image:
        return image.convert("RGB")


def _embedding(picture: Image.Image, network: str) -> str:
    seen = Network(Path(network)).look(np.asarray(picture))
    return base64.b64encode(seen.embedding.astype("<f2").tobytes()).decode()
