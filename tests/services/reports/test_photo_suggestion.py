"""A category from a photo: by the table at first, then by what the city's own photos taught, where that helps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image, ImageDraw

from cityhall.kernel.journal.models import Entry
from cityhall.kernel.media.models import Media
from cityhall.kernel.people.models import Person
from cityhall.services.reports import asking, categories, photo_learning, photo_model, photos, tasks
from cityhall.services.reports.models import Embedding, Photo
from tests.services.reports.conftest import CENTER, encoded, filed, jpeg, officer_of, traffic_light

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("here")]
WORDS = "Please come and look"


def scene(kind: str, seed: int) -> Image.Image:
    """A made picture, each another: a hole in grey asphalt, paint on a wall of bricks, or water with a horizon."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(0, 14, (128, 128, 1))
    base = {"pothole": (120, 120, 122), "graffiti": (150, 90, 70), "flood": (90, 110, 130)}[kind]
    image = Image.fromarray(np.clip(np.array(base) + noise + rng.normal(0, 12), 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    x, y, size = (int(value) for value in rng.integers(30, 70, 3))
    if kind == "pothole":
        draw.ellipse((x, y, x + size, y + size * 0.7), fill=(35, 32, 30), outline=(70, 68, 66), width=3)
    elif kind == "graffiti":
        for row in range(0, 128, 16):
            draw.line((0, row, 128, row), fill=(190, 180, 170), width=2)
        points = [tuple(int(value) for value in point) for point in rng.integers(10, 118, (7, 2))]
        draw.line(points, fill=tuple(int(value) for value in rng.integers(0, 255, 3)), width=7, joint="curve")
    else:
        draw.rectangle((0, 0, 128, y), fill=(190, 205, 220))
        for row in range(y, 128, 6):
            draw.line((0, row, 128, row + int(rng.integers(-3, 3))), fill=(130, 150, 170), width=1)
    return image


def with_photos(kinds: dict[str, str], many: int, text: str = WORDS) -> None:
    """Files `many` reports of each category, in as many places, with a made picture of the kind given for it."""
    for place, (category, kind) in enumerate(kinds.items()):
        for number in range(many):
            lon, lat = CENTER[0] + number * 0.004, CENTER[1] + place * 0.004
            picture = encoded(scene(kind, 1000 * place + number))
            filed(category=category, text=text, lon=lon, lat=lat, photos=(picture,), source=f"{category} {number}")
    look_at_all()


def look_at_all() -> None:
    for photo in Photo.objects.select_related("media"):
        photos.look_at(photo)


def ask(client: Client, picture: bytes, text: str = "") -> Any:
    return client.post("/api/reports/suggest", {"photo": SimpleUploadedFile("a.jpg", picture), "text": text})


def slugs(found: list[dict[str, Any]]) -> list[str]:
    return [one["category"] for one in found]


def test_a_thing_that_means_a_category_is_a_mild_hint(city: Path) -> None:
    answer = ask(Client(), encoded(traffic_light()))
    assert answer.status_code == 200, answer.content
    found = answer.json()
    assert slugs(found["categories"]) == ["traffic-light"] and found["categories"][0]["share"] < 0.5
    # The photo is not sent again with the words, which weigh more than a thing that stands in the picture.
    asked = {"text": "there is a deep hole in the road", "seen": found["seen"]}
    both = Client().get("/api/reports/suggest", asked).json()
    assert slugs(both)[0] == "pothole"
    assert slugs(Client().get("/api/reports/suggest", {"seen": found["seen"]}).json()) == ["traffic-light"]
    assert not Photo.objects.exists() and not Media.objects.exists() and not Embedding.objects.exists()


def test_what_shows_nothing_suggests_nothing(city: Path) -> None:
    assert ask(Client(), jpeg()).json()["categories"] == []


@pytest.mark.parametrize(
    ("picture", "status", "code"),
    [
        (b"no picture", 422, "unreadable"),
        (b"\xff\xd8\xff\xe0" + b"\0" * 100, 422, "unreadable"),
        (jpeg()[:2000], 422, "unreadable"),
        (b"%PDF-1.4 %%EOF", 422, "unreadable"),
        (encoded(Image.new("1", (20_000, 20_000))), 413, "too_many_pixels"),
        (encoded(Image.new("1", (1_500, 1_500))), 413, "too_many_pixels"),
        (b"\xff\xd8" + b"\0" * 100_000, 413, "too_large"),
    ],
)
def test_what_is_no_small_photo_is_refused(city: Path, picture: bytes, status: int, code: str) -> None:
    answer = ask(Client(), picture)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize("seen", ["pothole", "pothole:nan", "a:1.00;b:2.00", "pothole:99.00", "\0:1.00"])
def test_what_says_nothing_of_a_photo_is_refused(city: Path, seen: str) -> None:
    assert Client().get("/api/reports/suggest", {"text": "hole", "seen": seen}).status_code == 422


def test_one_source_asks_so_often_only(city: Path) -> None:
    picture = encoded(Image.new("RGB", (32, 32), "#777"))
    client, other = Client(REMOTE_ADDR="192.0.2.7"), Client(REMOTE_ADDR="192.0.2.8")
    answers = {ask(client, picture).status_code for _time in range(asking.PER_HOUR)}
    refused = ask(client, picture)
    assert answers == {200} and refused.status_code == 429 and refused.json()["code"] == "flood"
    assert ask(other, picture).status_code == 200


def test_the_categories_file_may_only_name_classes_there_are(city: Path, settings: Any) -> None:
    from cityhall.kernel.errors import Invalid

    text = categories.OURS.read_text().replace('"manhole cover"', '"gully lid"')
    (city / "own.toml").write_text(text)
    settings.CITY.options.setdefault("reports", {})["categories"] = "own.toml"
    try:
        with pytest.raises(Invalid, match="gully lid"):
            categories.load(lambda what, share: None)
    finally:
        del settings.CITY.options["reports"]["categories"]


def test_a_photo_is_learned_from_until_it_is_erased(city: Path) -> None:
    report = filed(photos=(jpeg(),)).report
    look_at_all()
    kept = Embedding.objects.get(photo__report=report)
    values = photo_model.embeddings([bytes(kept.values)])
    assert len(kept.values) == 2560 and values.shape == (1, 1280) and values.min() >= 0 and values.max() > 0.1
    tasks._erase([report.pk])
    assert not Embedding.objects.exists()


def test_photos_from_before_are_caught_up_with(city: Path) -> None:
    report = filed(photos=(jpeg(),)).report
    assert not Embedding.objects.exists()
    tasks.learn()
    assert Embedding.objects.get().photo.report == report


@pytest.mark.slow
def test_photos_that_tell_categories_apart_are_learned_and_used(city: Path) -> None:
    kinds = ("pothole", "graffiti", "flood")
    with_photos({kind: kind for kind in kinds}, 24)
    tasks.learn()
    figures = photo_learning.figures()
    assert figures is not None and (figures.reports, figures.categories) == (72, 3)
    # One text for all, so it tells nothing: right by chance. Held-out photos do tell.
    assert figures.text_right < 0.5 < 0.9 < figures.photo_right <= 1
    assert figures.used and figures.both_loss < 0.5 * figures.text_loss and figures.both_right > 0.9
    unseen = {kind: ask(Client(), encoded(scene(kind, 5000 + row))).json() for row, kind in enumerate(kinds)}
    assert all(slugs(found["categories"])[0] == kind for kind, found in unseen.items()), unseen
    # With the photo of a hole, words that say otherwise clearly still count.
    asked = {"text": "lixo jogado, entulho, sofá abandonado", "seen": unseen["pothole"]["seen"]}
    assert "dumping" in slugs(Client().get("/api/reports/suggest", asked).json())
    told = Entry.objects.get(type="reports.photos_learnt").data
    assert told["used"] and told["photo_right"] == figures.photo_right
    page = Client()
    page.force_login(Person.objects.get(pk=officer_of("", role="reports.router").person_id))
    shown = page.get("/reports/desk/rules/").content.decode()
    assert "from 72 reports with photos" in shown and "Photos are used" in shown


@pytest.mark.slow
def test_photos_that_tell_nothing_are_not_used(city: Path) -> None:
    with_photos({"pothole": "flood", "graffiti": "flood", "tree": "flood"}, 24)
    figures = photo_learning.learn()
    assert figures is not None and not figures.used and abs(figures.photo_right - 1 / 3) < 0.2
    assert ask(Client(), encoded(scene("flood", 9))).json()["categories"] == [], "the table is in use as before"
