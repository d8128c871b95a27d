"""Filing a report, by whatever door, and a resident who means ill."""

from __future__ import annotations

import operator
import re
import threading
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
import shapely
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.utils import timezone
from PIL import Image
from shapely.geometry import shape

from cityhall.kernel.cases.models import Case
from cityhall.kernel.errors import CityhallError, Invalid, Missing, TooMany
from cityhall.kernel.journal.models import Entry
from cityhall.kernel.media.storing import path_of
from cityhall.kernel.people.actors import ANONYMOUS, person_actor, system
from cityhall.kernel.people.models import Person
from cityhall.kernel.places.cells import cell_of
from cityhall.services.reports import actions, following, heat, importing, limits, queries
from cityhall.services.reports.models import Category, CellCount, Photo, Refused, Report, Supporter
from tests.services.reports.conftest import CENTER, filed, jpeg

pytestmark = pytest.mark.django_db


def test_a_report_goes_to_its_agency_with_its_clock(city: Path) -> None:
    made = filed()
    case = Case.objects.get(pk=made.report.pk)
    assert (case.agency.slug, case.state, case.promised.total_seconds()) == ("public-works", "new", 40 * 3600)
    assert case.due_at is not None and made.report.shown == made.report.point
    assert [entry.type for entry in Entry.objects.filter(subject=f"case:{case.pk}")] == ["case.opened", "report.filed"]


def test_the_link_is_long_kept_as_a_hash_and_gives_nothing_away(city: Path) -> None:
    made = filed()
    assert len(made.secret) >= 43 and bytes(made.report.secret) == following.digest(made.secret)
    assert made.secret not in repr(made)
    assert following.followed(made.secret) == made.report
    for wrong in (made.secret[:-1], made.secret + "A", "", "A" * 43, str(made.report.pk), "1:2:3", "\0"):
        with pytest.raises(Missing) as refusal:
            following.followed(wrong)
        assert refusal.value.code == "no_such_link"
    assert Refused.objects.get(reason="bad_link").count == 7
    assert following.followed(following.mail_link(made.report).split("/")[3]) == made.report


def test_sent_again_it_is_filed_once(city: Path) -> None:
    key = str(uuid4())
    first, second = filed(key=key), filed(key=key, text="Changed on its way")
    assert second.again and second.report == first.report and second.secret == first.secret
    assert Report.objects.count() == 1
    for guessable in ("1", "a" * 21, "with blanks in the key, and more"):
        with pytest.raises(Invalid):
            filed(key=guessable)


@pytest.mark.django_db(transaction=True)
def test_sent_twice_at_once_it_is_filed_once(city: Path) -> None:
    key, made = str(uuid4()), []

    def send() -> None:
        made.append(filed(key=key))
        connection.close()

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Report.objects.count() == 1 and Case.objects.count() == 1
    assert len({one.secret for one in made}) == 1 and sum(not one.again for one in made) == 1


def test_the_place_is_read_from_the_photo_and_its_exif_is_gone(city: Path) -> None:
    made = filed(lon=None, lat=None, text="", photos=(jpeg(gps=CENTER),))
    assert made.report.point == pytest.approx(CENTER, abs=1e-4)
    kept = path_of(made.report.photos.get().media)
    assert b"Camera of Maria" not in kept.read_bytes()
    with Image.open(kept) as image:
        assert not image.getexif()


def test_without_a_place_or_outside_or_empty(city: Path) -> None:
    for values, code in (
        ({"lon": None, "lat": None}, "missing_place"),
        ({"lon": 2.35, "lat": 48.85}, "outside"),
        ({"lon": float("nan"), "lat": -30.0}, "outside"),
        ({"text": "  "}, "empty"),
        ({"text": "x" * 4001}, "too_long"),
        ({"category": "nothing"}, "no_such_category"),
        ({"category": "group-streets"}, "no_such_category"),
        ({"photos": (jpeg(32, 32),) * 5}, "too_many_photos"),
        ({"answers": {"depth": "bottomless"}}, "bad_answer"),
    ):
        with pytest.raises(CityhallError) as refusal:
            filed(**values)
        assert refusal.value.code == code
    assert Report.objects.count() == Case.objects.count() == CellCount.objects.count() == 0
    assert Refused.objects.get(reason="outside").count == 2


def png_bomb() -> bytes:
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 10_000)) + chunk(b"IEND", b"")


HOSTILE = {
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "html": b"<html><script>alert(1)</script></html>",
    "fake": b"\xff\xd8\xff\xe0" + b"not a photo" * 50,
    "cut off": jpeg()[:2000],
    "pdf": b"%PDF-1.4\n%%EOF",
    "program": b"MZ" + b"\0" * 500,
    "empty": b"",
    "bomb": png_bomb(),
    "too large": b"\xff\xd8" + b"\0" * 20_000_001,
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_pictures_are_refused_counted_and_break_nothing(city: Path, kind: str) -> None:
    answer = Client().post(
        "/api/reports/",
        {
            "category": "pothole",
            "lon": CENTER[0],
            "lat": CENTER[1],
            "photos": SimpleUploadedFile("holiday.jpg", HOSTILE[kind], "image/jpeg"),
        },
    )
    assert answer.status_code in (413, 422), answer.content
    assert answer.json()["message"] and Report.objects.count() == 0
    assert sum(Refused.objects.values_list("count", flat=True)) == 1


def test_a_picture_that_is_also_a_page_is_made_a_picture(city: Path) -> None:
    polyglot = jpeg() + b"<script>alert(1)</script>"
    made = filed(photos=(polyglot,))
    assert b"<script" not in path_of(made.report.photos.get().media).read_bytes()


def test_html_in_the_text_is_only_text(city: Path) -> None:
    attack = "<script>alert(1)</script><img src=x onerror=alert(2)>"
    made = filed(text=attack)
    for path in ("/reports/", f"/reports/{made.report.pk}/", f"/reports/follow/{made.secret}/"):
        page = Client().get(path).content.decode()
        assert "<script>alert" not in page and "<img src=x" not in page
    assert "&lt;script&gt;alert(1)" in Client().get(f"/reports/{made.report.pk}/").content.decode()


def test_a_flood_from_one_source_is_refused(city: Path) -> None:
    for number in range(limits.PER_HOUR):
        filed(source="one", text=f"{number}")
    with pytest.raises(TooMany):
        filed(source="one")
    filed(source="another")
    assert Report.objects.count() == limits.PER_HOUR + 1 and Refused.objects.get(reason="flood").count == 1
    client = Client(REMOTE_ADDR="2001:db8::1")
    values = {"category": "pothole", "lon": CENTER[0], "lat": CENTER[1], "text": "x"}
    for _ in range(limits.PER_HOUR):
        assert client.post("/api/reports/", values).status_code == 201
    neighbour = Client(REMOTE_ADDR="2001:db8::ffff")
    refused = neighbour.post("/api/reports/", values)
    assert refused.status_code == 429 and 3500 < int(refused.headers["Retry-After"]) <= 3600
    assert neighbour.post("/api/reports/", values, headers={"X-Forwarded-For": "10.1.1.1"}).status_code == 429


NEAR = 0.0002
"""Degrees, about twenty metres: a number nearer than that gives a home away."""


def test_the_sensitive_is_coarse_and_silent_to_the_public(city: Path) -> None:
    made = filed(category="noise", text="Number 12 shouts", source="a")
    report = made.report
    assert cell_of(*report.shown, 9) == report.cell
    assert min(abs(report.shown.lon - report.point.lon), abs(report.shown.lat - report.point.lat)) > 2 * NEAR
    for path in (
        f"/api/reports/{report.pk}",
        "/api/reports/",
        f"/reports/{report.pk}/",
        "/map/layers/reports/open.geojson",
        f"/reports/open311/v2/requests/{report.pk}.xml",
        f"/api/reports/map?bbox={CENTER[0] - 0.1},{CENTER[1] - 0.1},{CENTER[0] + 0.1},{CENTER[1] + 0.1}&zoom=16",
    ):
        body = Client().get(path).content.decode()
        assert "Number 12" not in body
        numbers = [float(text) for text in re.findall(r"-?\d+\.\d{3,}", body)]
        shown = path.startswith(("/api/reports/map", "/api/reports/")) or "open" in path
        assert any(abs(number - report.shown.lon) < NEAR for number in numbers) or not shown, path
        for exact in report.point:
            assert not [number for number in numbers if abs(number - exact) < NEAR], path
    near = Client().get(f"/api/reports/near?category=noise&lon={CENTER[0]}&lat={CENTER[1]}&text=shouts")
    assert near.json() == []
    data = Entry.objects.get(type="report.filed").data
    assert int(data["cell"], 16) == report.cell


def test_the_map_names_categories_in_the_readers_language(city: Path) -> None:
    report = filed().report
    reader = Client(headers={"Accept-Language": "es"})
    facets = reader.get("/map/summary/reports/open/?facets=1").json()["facets"]
    assert {facet["field"] for facet in facets}.isdisjoint({"name", "color"})
    table = reader.get("/map/table/reports/open/").content.decode()
    assert "Bache" in table and "pothole" not in table and f'href="/reports/{report.pk}/"' in table


def test_what_is_often_reported_is_one_press_away(city: Path) -> None:
    assert "data-category" not in Client().get("/reports/new/").content.decode()
    for category in ("tree", "pothole", "pothole"):
        filed(category=category)
    assert [one.slug for one in queries.often_reported()] == ["pothole", "tree"]
    assert 'data-category="pothole"' in Client().get("/reports/new/").content.decode()


def test_named_or_anonymous(city: Path) -> None:
    maria = person_actor(Person.objects.create_user("maria@example.org", name="Maria"))
    named, unnamed = filed(maria, named=True), filed(maria)
    assert named.report.person_id == maria.person_id and unnamed.report.person_id is None
    actors = set(Entry.objects.filter(subject=f"case:{unnamed.report.pk}").values_list("actor", flat=True))
    assert actors == {"anonymous"}


def test_me_too_counts_once_a_source(city: Path) -> None:
    made = filed(source="first")
    for source in ("first", "second", "second", "third"):
        found = actions.support(ANONYMOUS, made.report.pk, source)
    assert found.supporters_count == 2 and Supporter.objects.count() == 2
    with pytest.raises(Missing):
        actions.support(ANONYMOUS, 10**9, "x")


def test_the_counts_of_cells_are_right_at_every_moment(city: Path) -> None:
    one, two = filed(), filed(category="tree")
    assert sum(number for _cell, number in heat.cells(9)) == 2
    heat.fold()
    assert CellCount.objects.count() == 2
    actions.hide(person_actor(Person.objects.create_superuser("root@example.org")), one.report.pk, hidden=True)
    assert heat.cells(5) == [(heat.cells(5)[0][0], 1)]
    heat.fold()
    assert CellCount.objects.count() == 1 and two.report.public


def test_parents_of_cells_are_h3s_own(city: Path) -> None:
    from cityhall.kernel.places.cells import coarsen

    made = filed()
    for resolution in range(5, 10):
        assert heat.cells(resolution) == [(coarsen(made.report.cell, resolution), 1)]


def test_a_box_has_the_cells_of_the_whole_city_that_touch_it(city: Path) -> None:
    rng = np.random.default_rng(5)
    west, south, east, north = settings.CITY.bounds
    category = Category.objects.select_related("agency").get(slug="pothole")
    places = rng.uniform((west, south), (east, north), (2000, 2)).tolist()
    rows = [importing.Row(category, "", lon, lat, "", timezone.now(), None, "") for lon, lat in places]
    importing.store(system("test"), rows)
    for resolution in (5, 7, 9):
        everywhere = heat.heat_geojson(resolution)["features"]
        for _ in range(10):
            (left, right), (low, up) = np.sort(rng.uniform(west, east, 2)), np.sort(rng.uniform(south, north, 2))
            box = shapely.box(left, low, right, up)
            touching = [one for one in everywhere if box.intersects(shapely.box(*shape(one["geometry"]).bounds))]
            found = heat.heat_geojson(resolution, (float(left), float(low), float(right), float(up)))["features"]
            key = operator.itemgetter("geometry", "properties")
            assert sorted(map(repr, map(key, found))) == sorted(map(repr, map(key, touching)))


def test_photos_wait_unseen_until_they_are_looked_at(city: Path) -> None:
    made = filed(photos=(jpeg(),))
    photo = made.report.photos.get()
    assert photo.state == Photo.State.NEW and photo.published is None
    assert Client().get(f"/api/reports/{made.report.pk}").json()["photos"] == []


NUL = "%00"


@pytest.mark.parametrize(
    "path",
    [
        f"/api/reports/?category={NUL}",
        f"/api/reports/map?bbox=-1,-1,1,1&category={NUL}",
        f"/api/reports/near?category={NUL}&lon=0&lat=0&text={NUL}",
        f"/api/reports/suggest?text={NUL}",
        f"/api/reports/{10**30}",
        f"/reports/?category={NUL}&page=99999",
        f"/reports/{10**30}/",
        f"/reports/follow/{NUL}/",
        f"/reports/open311/v2/services/{NUL}.json",
        f"/reports/open311/v2/requests.json?service_code={NUL}&service_request_id=",
        f"/reports/open311/v2/requests/{10**30}.xml",
        f"/reports/open311/v2/tokens/{NUL}.json",
        "/api/reports/map?bbox=nan,inf,1,1",
        "/map/layers/reports/open.geojson?bbox=nan,nan,nan,nan",
    ],
)
def test_odd_addresses_break_nothing(city: Path, path: str) -> None:
    assert Client().get(path).status_code < 500


def test_odd_values_break_nothing(city: Path) -> None:
    odd = "\0\u202e\ud7ff" + "x" * 400
    for path in ("/api/reports/", "/reports/open311/v2/requests.json", "/reports/new/"):
        for place in ({"lon": CENTER[0], "lat": CENTER[1], "long": CENTER[0]}, {"lon": "inf", "lat": "-inf"}):
            values = dict.fromkeys(("text", "description", "address", "email", "phone", "first_name", "key"), odd)
            good = values | {"email": "", "key": ""}
            for one in (values, good):
                sent = {"category": "pothole", "service_code": "pothole", **place, **one}
                assert Client().post(path, sent).status_code < 500
    assert Client().post(f"/api/reports/{10**30}/support", "{}", "application/json").status_code == 404
    assert Report.objects.count() == 3


def test_tiles_and_open_data_hold_what_is_shown(city: Path) -> None:
    from cityhall.services.map import reading

    reading.forget()
    hole = filed().report
    noise = filed(category="noise", text="Number 12 shouts").report
    items = Client().get("/map/ogc/collections/reports-open/items?f=json")
    assert items.status_code == 200, items.content[:300]
    places = {one["properties"]["id"]: one["geometry"]["coordinates"] for one in items.json()["features"]}
    assert places[hole.pk] == pytest.approx(CENTER, abs=1e-5)
    assert places[noise.pk] == pytest.approx(noise.shown, abs=1e-5) and places[noise.pk] != pytest.approx(
        CENTER, abs=1e-5
    )
    assert b"Number 12" not in items.content
    reading.forget()
    assert Client().get(f"/reports/{hole.pk}/?part=1").status_code == 200
