"""Data sets that somebody brings to do harm: what stands beside them goes on."""

from __future__ import annotations

import io
import json
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import shapely
from django.test import Client

from cityhall.kernel.people.actors import person_actor, system
from cityhall.kernel.people.models import Person
from cityhall.kernel.people.permissions import grant
from cityhall.services.map import reading, tasks
from cityhall.services.map.datasets import actions, apart
from cityhall.services.map.datasets import reading as source
from cityhall.services.map.models import DatasetFeature, DatasetVersion

pytestmark = [pytest.mark.django_db, pytest.mark.attack]
LARGE = 2**63


@pytest.fixture
def officer(settings: Any, tmp_path: Path) -> Person:
    """Somebody who publishes, in a city without data sets."""
    settings.MEDIA_ROOT = tmp_path / "media"
    reading.forget()
    person = Person.objects.create_user("officer@example.org", "a long password", name="Rosa")
    grant(system("test"), person, "map.publisher")
    return person


def brought(officer: Person, data: bytes, name: str, title: str = "Trees") -> DatasetVersion:
    """A file that was brought and read, as the worker does, and published where that went well."""
    actor = person_actor(officer)
    slug = actions.create(actor, title).slug
    version = actions.upload(actor, slug, io.BytesIO(data), name)
    tasks.run(version)
    version.refresh_from_db()
    if version.state == "ready":
        actions.publish(actor, slug, on=True)
    return version


def points(*numbers: float | str | None) -> bytes:
    """GeoJSON points with a field `code`."""
    place = {"type": "Point", "coordinates": [-51.2, -30.03]}
    rows = [{"type": "Feature", "geometry": place, "properties": {"code": number}} for number in numbers]
    return json.dumps({"type": "FeatureCollection", "features": rows}).encode()


@pytest.mark.parametrize("held", [reading.HELD_BYTES, 0])
@pytest.mark.parametrize("number", [LARGE, LARGE * 2 - 1, -LARGE])
def test_a_number_too_large_to_count_with_is_kept_as_it_was_written(
    officer: Person, monkeypatch: pytest.MonkeyPatch, number: int, held: int
) -> None:
    monkeypatch.setattr(reading, "HELD_BYTES", held)
    version = brought(officer, points(1, number, LARGE - 1, None), "a.geojson")
    (field,) = version.fields
    assert (version.state, field["type"], version.rows) == ("ready", "text", 4)
    body = Client().get("/map/ogc/collections/map-trees/items?f=json").json()
    assert [one["properties"]["code"] for one in body["features"]] == ["1", str(number), str(LARGE - 1), None]


@pytest.mark.parametrize("path", ["/map/ogc/collections?f=json", "/map/catalogue.jsonld", "/map/catalogue.ttl"])
def test_a_layer_that_cannot_be_read_takes_no_list_along(officer: Person, path: str) -> None:
    brought(officer, points(1, 2), "good.geojson", "Good")
    broken = brought(officer, points(1, 2), "bad.geojson", "Bad")
    reading.forget()
    DatasetFeature.objects.filter(version=broken).update(properties={"code": 10**30})
    answer = Client().get(path)
    assert answer.status_code == 200 and "map-good" in answer.content.decode()
    assert Client().get("/map/ogc/collections/map-good/items?f=json").status_code == 200


def tables(rows: int) -> bytes:
    """A table that looks as if all of it were quoted: guessing its form takes the square of its size."""
    return b"longitude,latitude,name\n" + b"1,2,'" + b"'a' ,'b' ;" * rows + b"\n"


def endless(folder: Path) -> bytes:
    """A GeoPackage whose layer is a view that goes on for ever."""
    place = np.array([shapely.Point(1, 2)])
    names = [np.array(["a"], dtype=object)]
    path = folder / "a.gpkg"
    pyogrio.raw.write(path, shapely.to_wkb(place), names, ["name"], geometry_type="Point", crs="EPSG:4326", layer="a")
    with sqlite3.connect(path) as file:
        for trigger in [name for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")]:
            file.execute(f'DROP TRIGGER "{trigger}"')
        file.execute("ALTER TABLE a RENAME TO b")
        file.execute(
            "CREATE VIEW a AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n)"
            " SELECT x AS fid, b.geom AS geom, b.name AS name FROM n, b"
        )
    return path.read_bytes()


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here reads a file that somebody brought; and a process that does may take a few seconds only."""

    def here(*values: Any) -> Any:
        raise AssertionError("a file was read where everything else runs")

    for name in ("_csv", "_gdal", "_parquet", "_geojson"):
        monkeypatch.setattr(source, name, here)
    monkeypatch.setattr(apart, "SECONDS", 4)


def test_a_view_without_an_end_is_given_up(officer: Person, elsewhere: None, tmp_path: Path) -> None:
    version = brought(officer, endless(tmp_path), "a.gpkg")
    assert version.state == "failed" and "too much time" in version.problems[-1]["what"]
    assert not DatasetFeature.objects.exists() and list(actions.folder().iterdir()) == []


def test_a_table_is_read_where_it_holds_up_nobody(officer: Person, elsewhere: None) -> None:
    assert brought(officer, tables(18_000), "a.csv").state in ("failed", "ready")
    good = brought(officer, b"longitude;latitude;name\n1;2;Oak\n3;4;Lime\n", "b.csv", "Good")
    assert (good.state, good.rows) == ("ready", 2)


def test_what_needs_too_much_memory_is_given_up(
    officer: Person, elsewhere: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apart, "MEMORY", 2**29)
    monkeypatch.setattr(apart, "SECONDS", 30)
    crowd = b'{"type": "FeatureCollection", "features": [' + b"{}," * 8_000_000 + b"{}]}"
    version = brought(officer, crowd, "a.geojson")
    assert version.state == "failed" and "memory" in version.problems[-1]["what"]


def test_data_sets_are_read_one_at_a_time_and_those_that_wait_hold_no_worker() -> None:
    assert tasks.import_dataset.lock


def test_a_fault_in_a_field_whose_name_holds_nul_is_told(officer: Person) -> None:
    """It could not be written down, so the data set was "being read" for ever and nobody heard why."""
    place = {"type": "Point", "coordinates": [-51.2, -30.03]}
    row = {"type": "Feature", "geometry": place, "properties": {"a\0b": "x" * 6_000}}
    version = brought(officer, json.dumps({"type": "FeatureCollection", "features": [row]}).encode(), "a.geojson")
    assert version.state == "failed" and version.problems[0]["field"] == "ab"


def test_outlines_are_checked_where_they_hold_up_nobody(officer: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """An outline that crosses itself everywhere takes long to be checked: in the worker, it held all others up."""

    def never(*values: Any) -> Any:
        raise AssertionError("the worker looks at no stranger's outline")

    for name in ("is_valid", "from_wkb", "force_2d", "count_coordinates"):
        monkeypatch.setattr(shapely, name, never)
    rng = np.random.default_rng(3)
    ring = rng.uniform(-1, 1, (200, 2)).round(6).tolist()
    square = [[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]
    rows = [
        {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [one]}, "properties": {"n": number}}
        for number, one in enumerate([square, [*ring, ring[0]]])
    ]
    body = json.dumps({"type": "FeatureCollection", "features": rows}).encode()
    version = brought(officer, body, "a.geojson")
    assert version.state == "failed" and version.problems[0]["row"] == 2 and "crosses" in version.problems[0]["what"]
    good = brought(officer, json.dumps({"type": "FeatureCollection", "features": rows[:1]}).encode(), "b.geojson", "B")
    assert (good.state, good.kind, good.rows) == ("ready", "area", 1)
    assert DatasetFeature.objects.get(version=good).geometry["type"] == "Polygon"


def test_what_takes_too_long_to_be_checked_is_given_up(officer: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "SECONDS", 2)
    teeth = 60_000
    xs = np.linspace(0, 1, teeth)
    ring = np.column_stack([np.where(np.arange(teeth) % 2, xs, 1 - xs), np.linspace(0, 1, teeth) % 0.37]).tolist()
    row = {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}, "properties": {}}
    version = brought(officer, json.dumps({"type": "FeatureCollection", "features": [row]}).encode(), "a.geojson")
    assert version.state == "failed"
