"""`cityhall new`: a city's folder from its GTFS feeds and its OpenStreetMap file."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import orjson
from babel.core import get_global
from babel.languages import get_official_languages
from babel.numbers import get_territory_currencies

from cityhall.engines.gtfs import Schedule
from cityhall.engines.streets import StreetGraph
from cityhall.kernel.city import read_city
from cityhall.kernel.city.file import LANGUAGES, SLUG
from cityhall.running.progress import Report

TEMPLATE = """\
# What Cityhall knows of the city. Restart it after a change; `cityhall check` says what is wrong.
name = {name}
slug = "{slug}"
timezone = "{timezone}"
languages = {languages}     # the city's own first
currency = "{currency}"
services = ["transit"]

[map]
center = [{lon:.5f}, {lat:.5f}]    # longitude, latitude
bounds = [{west:.5f}, {south:.5f}, {east:.5f}, {north:.5f}]    # west, south, east, north
zoom = 13

[data]
gtfs = {gtfs}
osm = "{osm}"
"""


class NewCityError(ValueError):
    """The city cannot be made; the message says why and what to do. Nothing was left behind."""


def new_city(data: Path, slug: str, gtfs: list[Path], osm: Path, report: Report) -> Path:
    """Makes `data`/`slug` with copies of the files and a `city.toml` that is filled in from them.

    The folder appears whole or not at all. Raises NewCityError, FeedError or OsmError.
    """
    if not SLUG.fullmatch(slug):
        raise NewCityError(f"{slug!r} is no name for a folder and addresses: use small letters, digits and hyphens.")
    folder = data / slug
    if folder.exists():
        raise NewCityError(f"{folder} is there already: choose another name, or remove it first.")
    missing = [str(path) for path in (*gtfs, osm) if not path.is_file()]
    if missing:
        raise NewCityError(f"there is no file {', '.join(missing)}.")
    report("reading the timetable", 0.1)
    from cityhall.engines.gtfs import read_feeds

    schedule, _ = read_feeds(gtfs)
    report("reading the streets", 0.4)
    graph = StreetGraph.from_osm(osm)
    data.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{slug}-", dir=data))
    try:
        names = [_copy(path, draft) for path in gtfs]
        text = _city_toml(slug, schedule, graph, names, _copy(osm, draft))
        (draft / "city.toml").write_text(text, encoding="utf-8")
        read_city(draft / "city.toml")
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return folder


def _copy(path: Path, folder: Path) -> str:
    target = folder / path.name
    if target.exists():
        raise NewCityError(f"two of the files are called {path.name}: rename one.")
    shutil.copyfile(path, target)
    return path.name


def _city_toml(slug: str, schedule: Schedule, graph: StreetGraph, gtfs: list[str], osm: str) -> str:
    lon, lat = graph.lon, graph.lat
    territory = get_global("zone_territories").get(schedule.timezone, "")
    return TEMPLATE.format(
        name=_toml(slug.replace("-", " ").title()),
        slug=slug,
        timezone=schedule.timezone,
        languages=_toml(_languages(territory)),
        currency=schedule.fares.currency[0] if schedule.fares.currency else _currency(territory),
        lon=float((lon.min() + lon.max()) / 2),
        lat=float((lat.min() + lat.max()) / 2),
        west=float(lon.min()),
        south=float(lat.min()),
        east=float(lon.max()),
        north=float(lat.max()),
        gtfs=_toml(gtfs),
        osm=osm,
    )


def _languages(territory: str) -> list[str]:
    """Every language we have, the territory's own (CLDR) first."""
    own = [code for code in get_official_languages(territory, de_facto=True) if code in LANGUAGES]
    return [*own, *[code for code in LANGUAGES if code not in own]]


def _currency(territory: str) -> str:
    """The territory's money (ISO 4217), "XXX" (no currency) where it is not known."""
    current = get_territory_currencies(territory) if territory else []
    return current[0] if current else "XXX"


def _toml(value: str | list[str]) -> str:
    # A JSON text or list of texts is a TOML one as well.
    return orjson.dumps(value).decode()
