"""The city's file is read whole or not at all, and the demo's is one that can be read."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cityhall.democity import recycling as made_for_the_demo
from cityhall.kernel.errors import Invalid
from cityhall.services.recycling import loading, planning
from cityhall.services.recycling.models import Material, Offer, Tariff, Truck

FILE = Path(made_for_the_demo.__file__).with_name("recycling.toml")
pytestmark = pytest.mark.django_db


@pytest.fixture
def file(settings: Any, tmp_path: Path) -> Path:
    settings.CITY_FOLDER = tmp_path
    options = {**settings.CITY.options, "recycling": {"file": "recycling.toml"}}
    settings.CITY = replace(settings.CITY, options=options)
    return Path(shutil.copyfile(FILE, tmp_path / "recycling.toml"))


def test_the_demos_file_twice_is_once(file: Path) -> None:
    loading.load(lambda what, share: None)
    Offer.objects.filter(key="soap").update(stock=5)
    loading.load(lambda what, share: None)
    assert Material.objects.count() == 7 and Tariff.objects.count() == 8 and planning.offers("")
    assert Offer.objects.get(key="soap").stock == 5
    # WARM: 1.04 metric tons of CO2e for a short ton of PET.
    assert Material.objects.get(key="pet").co2e_g == 1146
    assert all(set(one.names) == {"en", "es", "pt", "ko"} for one in Material.objects.all())


def test_the_demos_trucks_drive_until_the_file_names_them_no_more(file: Path) -> None:
    made_for_the_demo.write(file.parent)
    loading.load(lambda what, share: None)
    one, two = Truck.objects.filter(active=True)
    assert [part["grams"] for part in one.compartments] == [500_000, 700_000] and len(two.compartments) == 1
    windows = planning.offers("")
    assert windows and all(window.left is None for window in windows)
    file.write_bytes(FILE.read_bytes())
    loading.load(lambda what, share: None)
    assert not Truck.objects.filter(active=True).exists() and planning.offers("")[0].left == 14


@pytest.mark.parametrize(
    ("what", "instead"),
    [
        ('shift = "07:30-17:30"', 'shift = "17:30-07:30"'),
        ('"cardboard"], kg', '"gold"], kg'),
        ("{kg = 700}", "{kg = 0}"),
        ("weekdays = [1, 2, 3, 4, 5, 6]\ndepot", "weekdays = [0]\ndepot"),
        ("minutes = 15", 'minutes = "long"'),
    ],
)
def test_a_truck_that_cannot_be_is_refused(file: Path, what: str, instead: str) -> None:
    made_for_the_demo.write(file.parent)
    text = file.read_text(encoding="utf-8")
    assert what in text
    file.write_text(text.replace(what, instead), encoding="utf-8")
    with pytest.raises(Invalid):
        loading.load(lambda what, share: None)
    assert not Truck.objects.exists()


def test_what_is_not_named_any_more_can_be_had_no_longer(file: Path) -> None:
    loading.load(lambda what, share: None)
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace('key = "hdpe"', 'key = "pp"'), encoding="utf-8")
    loading.load(lambda what, share: None)
    assert not Material.objects.get(key="hdpe").active and Material.objects.get(key="pp").co2e_g == 871


@pytest.mark.parametrize(
    ("what", "instead"),
    [
        ('picture = "jug"', 'picture = "elephant"'),
        ("since = 2026-07-01, points = 24", 'since = "2026-07-01", points = 24'),
        ('"13:00-17:00"', '"13:00-16:00"'),
        ('material = "aluminium"', 'material = "gold"'),
    ],
)
def test_a_file_that_cannot_be_used_changes_nothing(file: Path, what: str, instead: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert what in text
    file.write_text(text.replace(what, instead), encoding="utf-8")
    with pytest.raises(Invalid):
        loading.load(lambda what, share: None)
    assert not Material.objects.exists()
