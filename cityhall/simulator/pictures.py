"""Photos that simulated people take: a made street with what is wrong in it, or without."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

SIZE = (640, 480)
HORIZON = 190


def photo(category: str, *, mended: bool, rng: np.random.Generator) -> bytes:
    """A JPEG of a street; where it is not `mended` with what a report of the category is about."""
    image = street(rng)
    if not mended:
        draw = ImageDraw.Draw(image, "RGBA")
        WRONG.get(category, _heap)(draw, rng)
    grain = rng.normal(0, 5, (SIZE[1], SIZE[0], 1))
    noisy = np.clip(np.asarray(image.filter(ImageFilter.GaussianBlur(1.2))) + grain, 0, 255).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(noisy).save(out, "JPEG", quality=82)
    return out.getvalue()


def street(rng: np.random.Generator) -> Image.Image:
    """A made street in daylight, with nothing on it."""
    width, height = SIZE
    image = Image.new("RGB", SIZE, _shade((172, 196, 214), rng))
    draw = ImageDraw.Draw(image)
    left = 0
    while left < width:
        wide = int(rng.integers(70, 150))
        top = int(rng.integers(40, 120))
        draw.rectangle((left, top, left + wide, HORIZON + 30), fill=_shade((206, 190, 170), rng))
        for x in range(left + 14, left + wide - 22, 34):
            for y in range(top + 16, HORIZON - 20, 40):
                draw.rectangle((x, y, x + 16, y + 22), fill=(88, 100, 112))
        left += wide
    draw.rectangle((0, HORIZON + 30, width, height), fill=_shade((122, 122, 124), rng))
    draw.polygon(
        [(0, HORIZON + 30), (width, HORIZON + 30), (width, HORIZON + 66), (0, HORIZON + 66)], fill=(170, 166, 160)
    )
    for x in range(20, width, 110):
        draw.polygon([(x, 380), (x + 60, 380), (x + 70, 390), (x + 4, 390)], fill=(226, 226, 220))
    return image


def _shade(color: tuple[int, int, int], rng: np.random.Generator) -> tuple[int, ...]:
    return tuple(int(np.clip(part + rng.integers(-18, 19), 0, 255)) for part in color)


def _hole(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    x, y, wide = int(rng.integers(180, 360)), int(rng.integers(290, 360)), int(rng.integers(90, 170))
    draw.ellipse((x, y, x + wide, y + wide // 3), fill=(52, 48, 46))
    draw.ellipse((x + 12, y + 8, x + wide - 8, y + wide // 3), fill=(34, 32, 32))


def _water(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    top = HORIZON + int(rng.integers(50, 90))
    draw.rectangle((0, top, *SIZE), fill=(96, 92, 78, 235))
    for y in range(top + 12, SIZE[1], 22):
        x = int(rng.integers(0, 200))
        draw.line((x, y, x + int(rng.integers(120, 380)), y), fill=(160, 160, 150, 160), width=3)


def _tree(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    y = int(rng.integers(290, 350))
    draw.line((60, y + 40, 460, y), fill=(84, 62, 44), width=22)
    for _ in range(60):
        x, up = int(rng.normal(480, 60)), int(rng.normal(y - 4, 34))
        draw.ellipse(
            (x - 22, up - 14, x + 22, up + 14), fill=(int(rng.integers(40, 70)), int(rng.integers(92, 130)), 52)
        )


def _paint(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    color = (int(rng.integers(120, 230)), 40, int(rng.integers(90, 200)))
    points = [(int(x), int(rng.integers(130, 200))) for x in np.linspace(180, 460, 9)]
    draw.line(points, fill=color, width=12, joint="curve")


def _dark(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    draw.rectangle((0, 0, *SIZE), fill=(8, 10, 26, int(rng.integers(175, 205))))
    draw.line((420, 80, 420, 300), fill=(60, 62, 66), width=9)
    draw.ellipse((396, 62, 446, 86), fill=(48, 50, 54))


def _heap(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    for _ in range(16):
        x, y = int(rng.normal(330, 70)), int(rng.normal(320, 18))
        wide, high = int(rng.integers(30, 80)), int(rng.integers(20, 46))
        grey = int(rng.integers(40, 170))
        draw.rectangle((x, y, x + wide, y + high), fill=(grey, int(grey * 0.9), int(grey * 0.75)))


WRONG = {
    "pothole": _hole,
    "flood": _water,
    "leak": _water,
    "drain": _water,
    "tree": _tree,
    "graffiti": _paint,
    "streetlight": _dark,
}
