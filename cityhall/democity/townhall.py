"""What the demo city's town hall lends and sells: the file that its service reads, and a drawn picture of each."""

from __future__ import annotations

import shutil
from pathlib import Path

from PIL import Image, ImageDraw

FILE = "house.toml"
SIZE = (960, 540)
FLOOR = 380
WOOD, DARK, CLOTH = (178, 132, 84), (92, 70, 52), (64, 96, 128)


def write(folder: Path) -> Path:
    """The file of rooms and wares, with its pictures beside it in `house/`; the same bytes always."""
    target = folder / FILE
    shutil.copyfile(Path(__file__).with_name(FILE), target)
    pictures = folder / "house"
    pictures.mkdir(exist_ok=True)
    for name, draw in PICTURES.items():
        image = Image.new("RGB", SIZE, (236, 232, 222))
        draw(ImageDraw.Draw(image))
        image.save(pictures / f"{name}.jpg", "JPEG", quality=85)
    return target


def _room(draw: ImageDraw.ImageDraw, wall: tuple[int, int, int], floor: tuple[int, int, int]) -> None:
    draw.rectangle((0, 0, SIZE[0], FLOOR), fill=wall)
    draw.rectangle((0, FLOOR, SIZE[0], SIZE[1]), fill=floor)
    draw.rectangle((0, FLOOR - 14, SIZE[0], FLOOR), fill=(250, 248, 242))


def _window(draw: ImageDraw.ImageDraw, x: int, wide: int, below: tuple[int, int, int]) -> None:
    draw.rectangle((x, 60, x + wide, 300), fill=(250, 250, 248))
    draw.rectangle((x + 10, 70, x + wide - 10, 290), fill=(176, 210, 232))
    draw.rectangle((x + 10, 210, x + wide - 10, 290), fill=below)
    draw.line((x + wide // 2, 70, x + wide // 2, 290), fill=(250, 250, 248), width=8)


def _chair(draw: ImageDraw.ImageDraw, x: int, y: int, size: int, color: tuple[int, int, int] = CLOTH) -> None:
    draw.rounded_rectangle((x, y - size, x + size, y), size // 6, fill=color)
    draw.rectangle((x + size // 8, y, x + size // 5, y + size // 2), fill=DARK)
    draw.rectangle((x + size - size // 5, y, x + size - size // 8, y + size // 2), fill=DARK)


def _council(draw: ImageDraw.ImageDraw) -> None:
    _room(draw, (120, 84, 66), (86, 60, 46))
    draw.rectangle((330, 50, 630, 230), fill=(244, 244, 240))
    draw.rectangle((360, 260, 600, 350), fill=WOOD)
    draw.rectangle((350, 250, 610, 268), fill=(204, 160, 110))
    for row, (y, size) in enumerate(((400, 44), (455, 54), (525, 66))):
        for x in range(30 + row * 6, 940 - size, size + 18):
            _chair(draw, x, y, size, (132, 40, 48))


def _harbour(draw: ImageDraw.ImageDraw) -> None:
    _room(draw, (214, 222, 226), (150, 128, 104))
    for x in (70, 370, 670):
        _window(draw, x, 220, (58, 120, 160))
        draw.polygon([(x + 80, 230), (x + 150, 230), (x + 130, 250), (x + 95, 250)], fill=(244, 244, 240))
    for x in range(150, 800, 110):
        _chair(draw, x, 390, 56)
    draw.polygon([(120, 410), (840, 410), (920, 490), (40, 490)], fill=WOOD)
    draw.rectangle((40, 490, 920, 508), fill=DARK)


def _garden(draw: ImageDraw.ImageDraw) -> None:
    _room(draw, (232, 228, 206), (196, 160, 112))
    for x in (60, 330, 600):
        _window(draw, x, 250, (92, 150, 84))
        draw.ellipse((x + 60, 140, x + 150, 240), fill=(70, 130, 66))
    draw.rounded_rectangle((700, 330, 930, 420), 10, fill=(24, 24, 28))
    draw.rectangle((700, 408, 930, 426), fill=(245, 245, 240))
    for x in range(714, 925, 18):
        draw.rectangle((x, 408, x + 7, 419), fill=(24, 24, 28))
    for x in range(80, 640, 95):
        _chair(draw, x, 440, 54, (188, 116, 60))


def _attic(draw: ImageDraw.ImageDraw) -> None:
    _room(draw, (226, 214, 196), (160, 120, 84))
    draw.polygon([(0, 0), (330, 0), (0, 330)], fill=(178, 150, 122))
    draw.polygon([(960, 0), (630, 0), (960, 330)], fill=(178, 150, 122))
    draw.polygon([(420, 70), (540, 70), (560, 210), (400, 210)], fill=(176, 210, 232))
    draw.rectangle((380, 240, 600, 360), fill=(250, 250, 250), outline=(120, 120, 120), width=6)
    for x in (250, 340, 560, 650):
        _chair(draw, x, 420, 56, (92, 124, 92))
    draw.polygon([(230, 430), (730, 430), (790, 500), (170, 500)], fill=WOOD)


def _map(draw: ImageDraw.ImageDraw) -> None:
    draw.rectangle((0, 0, *SIZE), fill=(206, 216, 206))
    for fold in range(4):
        left = 220 + fold * 130
        lift = 16 if fold % 2 else -16
        draw.polygon(
            [(left, 100 + lift), (left + 130, 100 - lift), (left + 130, 430 - lift), (left, 430 + lift)],
            fill=(250, 246, 232) if fold % 2 else (238, 232, 214),
        )
    draw.line([(230, 380), (330, 300), (470, 320), (560, 210), (730, 160)], fill=(70, 132, 180), width=16)
    for x in (260, 340, 430, 520, 610, 690):
        draw.line((x, 130, x + 20, 410), fill=(200, 190, 168), width=5)
    draw.ellipse((536, 226, 572, 262), fill=(190, 40, 48))


def _card(draw: ImageDraw.ImageDraw) -> None:
    draw.rectangle((0, 0, *SIZE), fill=(222, 210, 196))
    draw.rounded_rectangle((230, 120, 730, 430), 28, fill=(14, 110, 124))
    draw.polygon([(230, 360), (420, 250), (560, 330), (730, 230), (730, 430), (230, 430)], fill=(12, 84, 98))
    draw.ellipse((600, 150, 680, 230), fill=(250, 206, 90))
    draw.rounded_rectangle((270, 160, 350, 216), 8, fill=(232, 208, 130))


def _bin(draw: ImageDraw.ImageDraw) -> None:
    draw.rectangle((0, 0, SIZE[0], FLOOR), fill=(190, 216, 226))
    draw.rectangle((0, FLOOR, *SIZE), fill=(104, 146, 76))
    draw.polygon([(350, 150), (610, 150), (650, 450), (310, 450)], fill=(52, 84, 60))
    draw.polygon([(330, 120), (630, 120), (612, 156), (348, 156)], fill=(38, 62, 46))
    for y in range(200, 420, 44):
        draw.line((356, y, 604, y), fill=(38, 62, 46), width=6)
    draw.rectangle((420, 370, 540, 450), fill=(30, 48, 36))
    for x in (120, 210, 730, 830):
        draw.ellipse((x, 330, x + 90, 420), fill=(70, 130, 66))


PICTURES = {
    "council": _council,
    "harbour": _harbour,
    "garden": _garden,
    "attic": _attic,
    "map": _map,
    "tourist-card": _card,
    "compost-bin": _bin,
}
