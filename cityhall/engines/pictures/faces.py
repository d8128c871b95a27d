"""Faces and number plates in a picture, and making them unreadable.

Detectors are OpenCV's Haar cascades (Viola and Jones, "Rapid Object Detection using a Boosted Cascade of Simple
Features", CVPR 2001): frontal faces, profiles both ways, plates. They miss some and see some where there are none, so
`Found.sure` holds only where every find is a sure one and the detector of whole people (histograms of oriented
gradients: Dalal and Triggs, CVPR 2005) sees nobody whose face was not found.
"""

from __future__ import annotations

from dataclasses import dataclass
from threading import local
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

Box = tuple[int, int, int, int]
"""left, top, width, height, px."""
WIDEST = 1280
"""Pixels to which a photo is made smaller for detection."""
SURE = 3.0
"""Weight of the cascade's last stage from which a find is a sure one."""
CASCADES = (
    "haarcascade_frontalface_default.xml",
    "haarcascade_profileface.xml",
    "haarcascade_russian_plate_number.xml",
)
MARGIN = 0.25
"""Share of a find's size by which more is blurred on each side."""


@dataclass(frozen=True, slots=True)
class Found:
    """What is to be blurred, in px of the whole photo, and whether the detector can be relied on for this photo."""

    boxes: tuple[Box, ...]
    sure: bool


_own = local()
"""What each thread has made for itself: a cascade keeps in itself the picture it is looking at, so two threads that
shared one would find in one's photo what is in the other's (OpenCV, "CascadeClassifier", not made for threads)."""


def _detectors() -> tuple[Any, list[Any], Any] | None:
    """cv2, this thread's cascades and its detector of people; None where they are not there."""
    if not hasattr(_own, "made"):
        _own.made = _made()
    return _own.made  # type: ignore[no-any-return]


def _made() -> tuple[Any, list[Any], Any] | None:
    try:
        import cv2
        from cv2.data import haarcascades
    except ImportError:
        return None
    cascades = [cv2.CascadeClassifier(haarcascades + name) for name in CASCADES]
    if any(cascade.empty() for cascade in cascades):
        return None
    people = cv2.HOGDescriptor()
    people.setSVMDetector(np.array(cv2.HOGDescriptor.getDefaultPeopleDetector(), np.float32))
    return cv2, cascades, people


def detect(image: Image.Image) -> Found:
    """Faces and plates of a picture. Not sure where the detector is absent, or sees signs that contradict."""
    detectors = _detectors()
    if detectors is None:
        return Found((), sure=False)
    cv2, cascades, people = detectors
    scale = min(1.0, WIDEST / max(image.size))
    small = image.convert("RGB").resize((max(1, round(image.width * scale)), max(1, round(image.height * scale))))
    grey = cv2.equalizeHist(cv2.cvtColor(np.asarray(small), cv2.COLOR_RGB2GRAY))
    finds: list[tuple[Box, float]] = []
    for cascade in cascades:
        finds += _finds(cascade, grey)
    # The profile cascade knows one side of the face only.
    width = grey.shape[1]
    finds += [((width - x - w, y, w, h), weight) for (x, y, w, h), weight in _finds(cascades[1], cv2.flip(grey, 1))]
    sure = all(weight >= SURE for _box, weight in finds)
    boxes = [tuple(round(edge / scale) for edge in box) for box, _weight in finds]
    if sure and min(grey.shape) >= 128:
        bodies, weights = people.detectMultiScale(grey, winStride=(8, 8), scale=1.1)
        seen = [tuple(int(edge) for edge in body) for body, weight in zip(bodies, weights, strict=True) if weight > 0.7]
        sure = all(any(_within(box, body) for box, _weight in finds) for body in seen)
    return Found(tuple(boxes), sure)  # type: ignore[arg-type]


def _finds(cascade: Any, grey: Any) -> list[tuple[Box, float]]:
    boxes, _levels, weights = cascade.detectMultiScale3(
        grey, scaleFactor=1.1, minNeighbors=4, minSize=(20, 20), outputRejectLevels=True
    )
    return [
        ((int(box[0]), int(box[1]), int(box[2]), int(box[3])), float(weight))
        for box, weight in zip(boxes, np.ravel(weights), strict=True)
    ]


def _within(box: Box, body: Any) -> bool:
    x, y = box[0] + box[2] / 2, box[1] + box[3] / 2
    return bool(body[0] <= x <= body[0] + body[2] and body[1] <= y <= body[1] + body[3])


def blurred(image: Image.Image, boxes: tuple[Box, ...]) -> Image.Image:
    """A copy in which nothing can be made out in the boxes: made coarse first, since a blur alone can be undone."""
    made = image.convert("RGB")
    for left, top, width, height in boxes:
        edge = (
            max(0, round(left - MARGIN * width)),
            max(0, round(top - MARGIN * height)),
            min(made.width, round(left + width * (1 + MARGIN))),
            min(made.height, round(top + height * (1 + MARGIN))),
        )
        part = made.crop(edge)
        coarse = part.resize((6, 6), Image.Resampling.BOX).resize(part.size, Image.Resampling.BILINEAR)
        made.paste(coarse.filter(ImageFilter.GaussianBlur(max(2, part.width / 12))), edge)
    return made
