"""Duplicates, incidents, suggestions, and faces in photos."""

from __future__ import annotations

import dataclasses
import io
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import shapely
from django.test import Client
from django.utils import timezone
from PIL import Image, ImageDraw

from cityhall.engines.pictures import faces, looking
from cityhall.kernel.cases import actions as cases
from cityhall.kernel.journal.models import Entry
from cityhall.kernel.media.storing import path_of
from cityhall.kernel.notify.models import Notification
from cityhall.kernel.people.actors import system
from cityhall.kernel.places.point import Point, metres_between
from cityhall.services.reports import actions, photo_model, photos, sensing, suggestion
from cityhall.services.reports.duplicates import LIKELY, duplicates, likeness
from cityhall.services.reports.models import Category, Embedding, Incident, Photo, Report
from cityhall.simulator.residents import Residents, pairs
from tests.services.reports.conftest import CENTER, filed, jpeg, officer_of

pytestmark = pytest.mark.django_db
M = 1 / 111_320


def test_words_in_four_languages_suggest_a_category(city: Path) -> None:
    told = {
        "my tyre burst in a pothole": "pothole",
        "la farola está apagada otra vez": "streetlight",
        "tem um galho quase caindo": "tree",
        "쓰레기통이 넘쳐서 냄새가 나요": "bins",
        "STREET UNDER WATRE": "flood",
    }
    for text, slug in told.items():
        best = suggestion.suggest(text)
        assert best[0][0] == slug and 0 < best[0][1] <= 1
    assert suggestion.suggest("") == suggestion.suggest("…!?") == []
    found = Client().get("/api/reports/suggest", {"text": "buraco na rua"}).json()
    assert found[0]["category"] == "pothole"


def test_it_learns_from_the_citys_own_reports(city: Path) -> None:
    for number in range(6):
        filed(category="parking", text=f"xylofoon blokkeert uitrit {number}", source=f"{number}")
    suggestion.train()
    assert suggestion.suggest("xylofoon op de stoep")[0][0] == "parking"


def test_duplicates_near_by_come_first(city: Path) -> None:
    same = filed(text="Deep hole in the asphalt", lat=CENTER[1] + 15 * M).report
    other = filed(category="tree", text="Fallen tree", lat=CENTER[1] + 10 * M).report
    far = filed(text="Deep hole in the asphalt", lat=CENTER[1] + 400 * M).report
    done = filed(text="Deep hole in the asphalt").report
    cases.act(system("test"), done.pk, "resolve")
    hole = Category.objects.get(slug="pothole")
    found = duplicates(hole, Point(*CENTER), "A deep hole, broken asphalt", timezone.now())
    assert [report for report, _score, _metres in found] == [same]
    assert {other, far}.isdisjoint({report for report, _score, _metres in found})
    near = Client().get(
        "/api/reports/near", {"category": "pothole", "lon": CENTER[0], "lat": CENTER[1], "text": "hole"}
    )
    assert near.json()[0]["id"] == same.pk and near.json()[0]["metres"] == 15


def test_labelled_pairs_are_told_apart(city: Path) -> None:
    known = {category.slug: category for category in Category.objects.all()}
    right = hits = said = truly = 0
    for one, two, same in pairs(Residents(shapely.box(-51.3, -30.1, -51.1, -29.95), seed=5), 200):
        rows = suggestion.vectors([one.text, two.text])
        reach = max(known[one.category].near_m, known[two.category].near_m)
        score = likeness(
            metres_between((one.lon, one.lat), (two.lon, two.lat)),
            reach,
            abs(two.at - one.at) / 86_400,
            known[two.category],
            known[one.category],
            float((rows[0] @ rows[1].T).toarray()[0, 0]),
        ).score
        right += (score >= LIKELY) == same
        hits += same and score >= LIKELY
        said, truly = said + (score >= LIKELY), truly + same
    assert hits / said > 0.8 and hits / truly > 0.8 and right > 160


def flood(count: int, *, sources: int, spread_m: float = 60, seed: int = 1) -> list[Report]:
    rng = np.random.default_rng(seed)
    made = []
    for number in range(count):
        east, north = rng.normal(0, spread_m, 2) * M
        place = {"lon": CENTER[0] + east, "lat": CENTER[1] + north}
        made.append(filed(category="flood", text="Water", source=f"{number % sources}", **place).report)
    return made


def test_many_independent_reporters_raise_one_incident(city: Path) -> None:
    officer_of("water")
    made = flood(9, sources=9)
    filed(category="flood", text="Far away", source="far", lat=CENTER[1] + 5000 * M)
    (incident,) = sensing.sense()
    assert (incident.reporters, incident.severity, incident.reports.count()) == (9, 2, 9)
    assert sensing.sense() == [] and Incident.objects.count() == 1
    flood(8, sources=30, seed=2)
    for number in range(8):
        actions.support(system("test"), made[0].pk, f"joined {number}")
    (grown,) = sensing.sense()
    assert grown == incident and grown.severity == 3 and grown.reports.count() == 17
    assert Notification.objects.filter(url=f"/reports/incidents/{incident.pk}/").count() == 2
    assert [entry.type for entry in Entry.objects.filter(subject=f"incident:{incident.pk}")] == [
        "incident.began",
        "incident.grew",
    ]
    page = Client().get(f"/reports/incidents/{incident.pk}/")
    assert page.status_code == 200 and "17 reports" in page.content.decode()
    layer = Client().get("/map/layers/reports/incidents.geojson").json()["features"]
    assert layer[0]["properties"]["severity"] == 3
    assert sensing.sense(timezone.now() + timedelta(hours=7)) == []
    assert Incident.objects.get().ended_at is not None


def test_one_source_raises_none_however_much_it_sends(city: Path) -> None:
    flood(12, sources=3)
    assert sensing.sense() == []


def test_severity_goes_by_reporters() -> None:
    assert [sensing.severity(count) for count in (1, 4, 7, 8, 16, 32, 64, 1000)] == [1, 1, 1, 2, 3, 4, 5, 5]


def face(width: int = 640, height: int = 480) -> Image.Image:
    """Something the frontal cascade takes for a face: the light and dark of brows, eyes, nose and mouth."""
    image = Image.new("L", (width, height), 150)
    draw = ImageDraw.Draw(image)
    x, y, r = width // 2, height // 2, 100
    draw.ellipse((x - r * 0.8, y - r * 1.1, x + r * 0.8, y + r * 1.1), fill=205)
    for side in (-1, 1):
        draw.rectangle((x + side * 35 - 24, y - 50, x + side * 35 + 24, y - 36), fill=60)
        draw.ellipse((x + side * 35 - 20, y - 32, x + side * 35 + 20, y - 8), fill=90)
        draw.ellipse((x + side * 35 - 9, y - 28, x + side * 35 + 9, y - 12), fill=30)
    draw.polygon([(x, y - 10), (x - 14, y + 24), (x + 14, y + 24)], fill=180)
    draw.rectangle((x - 34, y + 45, x + 34, y + 60), fill=80)
    return image.convert("RGB")


def test_what_is_found_is_made_unreadable() -> None:
    image = face()
    box = (240, 150, 160, 200)
    made = faces.blurred(image, (box,))
    before, after = (np.asarray(one.convert("L"), dtype=float)[180:320, 270:370] for one in (image, made))
    edges = [float(np.abs(np.diff(one, axis=1)).max()) for one in (before, after)]
    assert edges[1] < edges[0] / 5, "no edge is left to tell a face by"
    assert np.array_equal(np.asarray(made)[:100], np.asarray(image)[:100]), "and the rest is untouched"


def test_a_face_is_found_by_the_real_detector() -> None:
    found = faces.detect(face())
    assert any(box[0] < 320 < box[0] + box[2] and box[1] < 240 < box[1] + box[3] for box in found.boxes)


def photo_of(image: bytes) -> Photo:
    return photos.look_at(filed(photos=(image,)).report.photos.select_related("media").get())


@pytest.mark.usefixtures("here")
def test_a_photo_is_published_without_faces_or_waits(city: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clear = photo_of(jpeg())
    assert clear.state == Photo.State.PUBLISHED and clear.published is not None
    out = io.BytesIO()
    face().save(out, "JPEG")
    box = (240, 150, 160, 200)
    monkeypatch.setattr(looking, "detect", lambda image: faces.Found((box,), sure=True))
    blurred = photo_of(out.getvalue())
    assert blurred.state == Photo.State.PUBLISHED and blurred.published is not None
    with Image.open(path_of(blurred.published)) as public, Image.open(path_of(blurred.media)) as own:
        assert (
            np.asarray(public.convert("L"))[180:320, 270:370].std()
            < np.asarray(own.convert("L"))[180:320, 270:370].std()
        )
    monkeypatch.setattr(looking, "detect", lambda image: faces.Found((box,), sure=False))
    unsure = photo_of(jpeg(seed=3))
    assert unsure.state == Photo.State.WAITING and unsure.published is None
    shown = {one.pk: Client().get(f"/api/reports/{one.report_id}").json()["photos"] for one in (clear, blurred, unsure)}
    assert len(shown[clear.pk]) == len(shown[blurred.pk]) == 1 and shown[unsure.pk] == []
    assert len({*shown[clear.pk], *shown[blurred.pk]}) == 2


@pytest.mark.usefixtures("here")
def test_without_a_detector_or_with_one_that_fails_it_waits(
    city: Path, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(faces, "_detectors", lambda: None)
        assert photo_of(jpeg(seed=4)).state == Photo.State.WAITING

    def broken(image: Image.Image) -> faces.Found:
        raise RuntimeError("no memory")

    with monkeypatch.context() as patch:
        patch.setattr(looking, "detect", broken)
        waiting = photo_of(jpeg(seed=5))
        assert waiting.state == Photo.State.WAITING
    settings.CITY = dataclasses.replace(settings.CITY, options={"reports": {"publish_photos": "officer"}})
    assert photo_of(jpeg(seed=6)).state == Photo.State.WAITING
    olga = officer_of("public-works")
    judged = actions.judge_photo(olga, waiting.pk, publish=True)
    assert judged.state == Photo.State.PUBLISHED
    assert Client().get(f"/api/reports/{waiting.report_id}").json()["photos"]
    withheld = actions.judge_photo(olga, waiting.pk, publish=False)
    assert withheld.published is None and not Client().get(f"/api/reports/{waiting.report_id}").json()["photos"]


@pytest.mark.attack
@pytest.mark.slow
def test_as_large_a_photo_as_may_be_takes_no_memory_of_the_worker(city: Path) -> None:
    """Fifty million pixels are a gigabyte while they are looked at, and four jobs at once were three."""
    large = io.BytesIO()
    Image.new("RGBA", (7000, 7000)).save(large, "PNG")
    photo = filed(photos=(large.getvalue(),)).report.photos.select_related("media").get()
    photo_model.network_file()
    process, stop, most = psutil.Process(), threading.Event(), [0]

    def own() -> int:
        memory = process.memory_info()
        return int(memory.rss - memory.shared)

    def watch() -> None:
        while not stop.wait(0.02):
            most.append(own())

    before = own()
    watching = threading.Thread(target=watch)
    watching.start()
    try:
        seen = photos.look_at(photo)
    finally:
        stop.set()
        watching.join()
    assert seen.state == Photo.State.PUBLISHED and Embedding.objects.filter(photo=photo).exists()
    assert max(most) - before < 60_000_000
