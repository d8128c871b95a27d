"""Data sets that somebody brings to do harm: what stands beside them goes on."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from cityhall.kernel.people.actors import person_actor, system
from cityhall.kernel.people.models import Person
from cityhall.kernel.people.permissions import grant
from cityhall.services.map import reading, tasks
from cityhall.services.map.datasets import actions, published
from cityhall.services.map.models import DatasetFeature, DatasetVersion

pytestmark = pytest.mark.django_db
LARGE = 2**63


@pytest.fixture
def officer(settings: Any, tmp_path: Path) -> Person:
    """Somebody who publishes, in a city without data sets."""
    settings.MEDIA_ROOT = tmp_path / "media"
    published.forget()
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
        published.forget()
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
