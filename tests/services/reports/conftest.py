"""A city with its categories and agencies, an officer in each, and a few made pictures."""

from __future__ import annotations

import io
import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from cityhall.engines.pictures import looking
from cityhall.kernel.people.actors import ANONYMOUS, Actor, person_actor
from cityhall.kernel.people.models import Membership, Person
from cityhall.services.reports import categories, photos
from cityhall.services.reports.filing import Filed, Filing, file_report

CENTER = (-51.2, -30.03)


@pytest.fixture
def city(settings: Any, tmp_path: Path, db: None) -> Path:
    """The city's folder, its categories loaded and its suggestion taught."""
    settings.CITY_FOLDER = tmp_path
    settings.DERIVED = tmp_path / "derived"
    settings.MEDIA_ROOT = tmp_path / "media"
    categories.load(lambda what, share: None)
    return tmp_path


def officer_of(agency: str, name: str = "olga", role: str = "reports.officer") -> Actor:
    """Somebody who works for an agency; "" is the whole city."""
    person = Person.objects.create_user(f"{name}@example.org", name=name)
    Membership.objects.create(person=person, role=role, scope=f"agency:{agency}" if agency else "")
    return person_actor(person)


def filed(actor: Actor = ANONYMOUS, **values: Any) -> Filed:
    """A filed report: a hole in the road in the middle of the city, unless told otherwise."""
    given = {"category": "pothole", "text": "A deep hole", "lon": CENTER[0], "lat": CENTER[1], **values}
    return file_report(actor, Filing(**given))


def jpeg(width: int = 320, height: int = 240, *, seed: int = 1, gps: tuple[float, float] | None = None) -> bytes:
    """A photo of nothing in particular; with the place the camera would have written (lon, lat)."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(60, 200, (height // 16 + 1, width // 16 + 1, 3), dtype=np.uint8)
    image = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    exif = Image.Exif()
    exif[0x010F] = "Camera of Maria"
    if gps:
        lon, lat = gps

        def parts(value: float) -> tuple[float, float, float]:
            whole = abs(value)
            return int(whole), int(whole * 60) % 60, whole * 3600 % 60

        exif[0x8825] = {1: "S" if lat < 0 else "N", 2: parts(lat), 3: "W" if lon < 0 else "E", 4: parts(lon)}
    out = io.BytesIO()
    image.save(out, "JPEG", exif=exif)
    return out.getvalue()


def encoded(image: Image.Image, form: str = "PNG") -> bytes:
    out = io.BytesIO()
    image.save(out, form)
    return out.getvalue()


def traffic_light() -> Image.Image:
    """A traffic light before a clear sky."""
    sky = np.linspace(235, 150, 320)[:, None, None] * np.array([0.75, 0.88, 1.0])
    image = Image.fromarray(np.broadcast_to(sky, (320, 320, 3)).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    draw.rectangle((154, 240, 166, 320), fill="#444")
    draw.rounded_rectangle((120, 40, 200, 250), 10, fill="#1b1f1c")
    for row, color in enumerate(("#ff2a12", "#4a3a10", "#0d3a1c")):
        draw.ellipse((134, 54 + row * 65, 186, 106 + row * 65), fill=color)
    return image


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Photos are looked at in this process, where a test can say what is seen in them."""

    def confined(work: str, *values: Any, **_limits: int) -> Any:
        return json.loads(json.dumps(getattr(looking, work.partition(":")[2])(*values)))

    monkeypatch.setattr(photos, "confined", confined)
    monkeypatch.setattr(looking, "Network", cache(looking.Network))
