"""`city.toml` may have been written by a clerk: every mistake is named with its line and its mend."""

from __future__ import annotations

from pathlib import Path

import pytest

from cityhall.kernel.city import read_city
from cityhall.kernel.city.file import CityFileError
from tests.testville import CITY_TOML


def read(folder: Path, text: str) -> None:
    (folder / "city.toml").write_text(text)
    read_city(folder / "city.toml")


def test_a_right_one_is_read(tmp_path: Path) -> None:
    (tmp_path / "city.toml").write_text(CITY_TOML)
    city = read_city(tmp_path / "city.toml")
    assert (city.name, city.currency, city.languages[0], city.center) == ("Testville", "BRL", "en", (-51.2, -30.03))
    assert str(city.zone) == "America/Sao_Paulo"


@pytest.mark.parametrize(
    ("right", "wrong", "names"),
    [
        ('timezone = "America/Sao_Paulo"', 'timezone = "Mars/Base"', "timezone"),
        ('currency = "BRL"', 'currency = "Reais"', "currency"),
        ('slug = "testville"', 'slug = "Test Ville!"', "slug"),
        ('languages = ["en", "es", "pt", "ko"]', 'languages = ["xx"]', "languages"),
        ('languages = ["en", "es", "pt", "ko"]', "languages = []", "languages"),
        ("center = [-51.2, -30.03]", "center = [-30.03, -251.2]", "center"),
        ("bounds = [-51.3, -30.1, -51.1, -29.95]", "bounds = [-51.1, -30.1, -51.3, -29.95]", "bounds"),
        (
            'services = ["transit", "reports", "safety", "house", "recycling", "map", "treasury"]',
            'services = "transit"',
            "services",
        ),
        ('name = "Testville"', "name = 7", "name"),
    ],
)
def test_a_wrong_value_is_named_with_its_line(tmp_path: Path, right: str, wrong: str, names: str) -> None:
    assert right in CITY_TOML
    with pytest.raises(CityFileError) as refusal:
        read(tmp_path, CITY_TOML.replace(right, wrong))
    line = CITY_TOML.split(right)[0].count("\n") + 1
    assert (refusal.value.line, names in refusal.value.what) == (line, True)
    assert refusal.value.mend


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(CityFileError, match="timezone"):
        read(tmp_path, CITY_TOML.replace('timezone = "America/Sao_Paulo"\n', ""))


def test_what_is_no_toml_says_where(tmp_path: Path) -> None:
    with pytest.raises(CityFileError) as refusal:
        read(tmp_path, CITY_TOML + "\nnonsense here\n")
    assert refusal.value.line > 0


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(CityFileError, match=r"city\.toml"):
        read_city(tmp_path / "city.toml")


def test_brazils_portuguese_has_two_names(tmp_path: Path) -> None:
    named = CITY_TOML.replace('languages = ["en", "es", "pt", "ko"]', 'languages = ["pt-BR", "en", "pt"]')
    (tmp_path / "city.toml").write_text(named)
    assert read_city(tmp_path / "city.toml").languages == ("pt", "en")
