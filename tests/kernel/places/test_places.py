"""Points near a point, names found as people type them, zones from GeoJSON, cells."""

from __future__ import annotations

import json
from pathlib import Path

import h3
import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from cityhall.kernel.errors import Invalid
from cityhall.kernel.places import geocoder, zones
from cityhall.kernel.places.cells import cell_of, outline, spans
from cityhall.kernel.places.geocoder import Named
from cityhall.kernel.places.models import PlaceName, Zone
from cityhall.kernel.places.point import metres_between, nearest

NAMES = (
    Named("Avenida Ipiranga", "street", -51.20, -30.05, weight=10),
    Named("Rua Ipiranga", "street", -51.25, -30.01, weight=10),
    Named(
        "Mercado Público", "marketplace", -51.228, -30.028, names={"en": "Public Market", "ko": "공공 시장"}, weight=40
    ),
    Named("Praça da Alfândega", "square", -51.231, -30.030, weight=20),
)


@pytest.fixture
def named(db: None) -> None:
    geocoder.replace_names("test", NAMES)


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("av ipi", "Avenida Ipiranga"),
        ("mercado publico", "Mercado Público"),
        ("public market", "Mercado Público"),
        ("공공", "Mercado Público"),
        ("alfandega", "Praça da Alfândega"),
        ("mercdo pulico", "Mercado Público"),
        ("MERCADO", "Mercado Público"),
    ],
)
def test_names_are_found_as_they_are_typed(named: None, typed: str, first: str) -> None:
    assert geocoder.search(typed)[0].name == first


def test_what_is_near_comes_first(named: None) -> None:
    assert geocoder.search("ipiranga", near=(-51.25, -30.01))[0].name == "Rua Ipiranga"
    assert geocoder.search("ipiranga", near=(-51.20, -30.05))[0].name == "Avenida Ipiranga"


def test_nothing_and_nonsense_find_nothing(named: None) -> None:
    assert geocoder.search("") == [] and geocoder.search("   ") == [] and geocoder.search("zzzzqqq") == []


def test_a_coordinate_is_a_place(named: None) -> None:
    (found,) = geocoder.search("-30.0281, -51.2281")
    assert found.name == "Mercado Público" and found.point.lat == -30.0281


def test_a_new_list_takes_the_place_of_the_old(named: None) -> None:
    geocoder.replace_names("test", NAMES[:1])
    assert PlaceName.objects.count() == 1


def test_names_in_the_readers_language(named: None, client: Client) -> None:
    found = client.get("/api/places/search", {"q": "mercado"}, headers={"Accept-Language": "ko"}).json()
    assert found[0]["name"] == "공공 시장"


@given(st.text(max_size=60))
def test_whatever_is_typed(typed: str) -> None:
    """Folding is all that a text goes through before the database sees it."""
    from cityhall.kernel.places.folding import fold, trigrams

    assert fold(fold(typed)) == fold(typed)
    assert all(1 <= len(piece) <= 3 for piece in trigrams(fold(typed)))


@pytest.mark.parametrize("typed", ["", "1", "(1,2,3)", "(x,y)", "(nan,0)", "(181,0)", "(0,91)", "1e309,0"])
def test_what_is_typed_as_a_point_and_is_none(typed: str) -> None:
    with pytest.raises(ValidationError):
        PlaceName._meta.get_field("point").to_python(typed)


def test_nearest_first_and_only_within(named: None) -> None:
    found = nearest(PlaceName.objects.all(), -51.229, -30.029, count=10, within_m=600)
    assert [row.name for row, _ in found] == ["Mercado Público", "Praça da Alfândega"]
    assert [round(metres) for _, metres in found] == [
        round(metres_between((-51.229, -30.029), row.point)) for row, _ in found
    ]


@given(
    st.floats(-179, 178.9),
    st.floats(-75, 75),
    st.floats(0, 0.5),
    st.floats(0, 0.5),
    st.sampled_from([6, 8, 9, 10]),
    st.lists(st.tuples(st.floats(-0.3, 1.3), st.floats(-0.3, 1.3)), min_size=1, max_size=20),
)
def test_every_cell_that_touches_a_box_is_in_its_spans(
    west: float, south: float, wide: float, high: float, resolution: int, places: list[tuple[float, float]]
) -> None:
    east, north = west + wide, south + high
    found = spans((west, south, east, north), resolution)
    assert len(found) < 60
    for across, up in places:
        cell = cell_of(west + across * max(wide, 0.01), south + up * max(high, 0.01), resolution)
        ring = outline(cell)
        lons, lats = [lon for lon, _lat in ring], [lat for _lon, lat in ring]
        if max(lons) - min(lons) > 180:
            continue
        touches = max(lons) >= west and min(lons) <= east and max(lats) >= south and min(lats) <= north
        if touches:
            assert sum(first <= cell <= last for first, last in found) == 1


def test_cells_are_those_of_h3() -> None:
    assert f"{cell_of(-51.23, -30.03):x}" == h3.latlng_to_cell(-30.03, -51.23, 10)
    assert f"{cell_of(-51.23, -30.03, 8):x}" == h3.latlng_to_cell(-30.03, -51.23, 8)


def collection(*features: object) -> str:
    return json.dumps({"type": "FeatureCollection", "features": features})


SQUARE = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]]}
BOW = {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}


@pytest.mark.django_db
def test_zones_are_read_and_served(tmp_path: Path, client: Client) -> None:
    path = tmp_path / "zones.geojson"
    path.write_text(collection({"type": "Feature", "geometry": SQUARE, "properties": {"name": "Old Town"}}))
    zones.replace_zones(zones.read_zones(path))
    assert [zone["name"] for zone in client.get("/api/places/zones").json()] == ["Old Town"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("not json", "FeatureCollection"),
        (collection({"type": "Feature", "geometry": SQUARE, "properties": {}}), "feature 1"),
        (collection({"type": "Feature", "geometry": BOW, "properties": {"name": "Bow"}}), "Self-intersection"),
        (
            collection(
                {"type": "Feature", "geometry": {"type": "Point", "coordinates": [0, 0]}, "properties": {"name": "x"}}
            ),
            "Point",
        ),
        (collection({"type": "Feature", "geometry": None, "properties": {"name": "x"}}), "feature 1"),
    ],
)
def test_zones_that_are_wrong_are_refused_whole(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "zones.geojson"
    path.write_text(text)
    with pytest.raises(Invalid, match=says):
        zones.replace_zones(zones.read_zones(path))
    assert Zone.objects.count() == 0
