"""Reading `city.toml`. Every error names the file, the line and the mend, because a clerk may have written it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, TypeVar
from zoneinfo import ZoneInfo

SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
CURRENCY = re.compile(r"[A-Z]{3}")
LANGUAGES = ("en", "es", "pt", "ko")
CONTACTS = ("phone", "email", "address", "hours")
EMERGENCIES = ("all", "police", "ambulance", "fire", "civil_defence", "sea")
NUMBER = re.compile(r"\+?[0-9][0-9 -]{1,18}")

T = TypeVar("T")


class CityFileError(ValueError):
    """`city.toml` cannot be used. `line` is 1-based, 0 where no line is at fault."""

    def __init__(self, path: Path, line: int, what: str, mend: str) -> None:
        place = f"{path}, line {line}" if line else str(path)
        super().__init__(f"{place}: {what} {mend}")
        self.path, self.line, self.what, self.mend = path, line, what, mend


@dataclass(frozen=True, slots=True)
class City:
    """What every part may know of the city.

    `center` is (longitude, latitude) and `bounds` (west, south, east, north), degrees, WGS 84.
    `boundary` names a GeoJSON file with the city's outline, where there is one.
    """

    name: str
    slug: str
    timezone: str
    languages: tuple[str, ...]
    currency: str
    services: tuple[str, ...]
    center: tuple[float, float]
    bounds: tuple[float, float, float, float]
    zoom: float = 12.0
    gtfs: tuple[str, ...] = ()
    osm: str = ""
    zones: str = ""
    boundary: str = ""
    attribution: str = "© OpenStreetMap contributors"
    anchor_to: str = ""
    """Where the journal's anchors are mailed every day; "" for nowhere."""
    contact: dict[str, str] = field(default_factory=dict)
    """How to reach the city hall: any of CONTACTS."""
    emergency: dict[str, str] = field(default_factory=dict)
    """Numbers to call in danger: any of EMERGENCIES, the one for everything first."""
    options: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


class _Reader:
    """Takes values out of the parsed file and knows the line each came from."""

    def __init__(self, path: Path, text: str, values: dict[str, Any]) -> None:
        self.path, self.lines, self.values = path, text.splitlines(), values

    def line_of(self, section: str, key: str) -> int:
        inside = section == ""
        for number, line in enumerate(self.lines, start=1):
            stripped = line.strip()
            if stripped.startswith("["):
                inside = stripped.strip("[] ") == section
            elif inside and re.match(rf"{re.escape(key)}\s*=", stripped):
                return number
        return 0

    def fail(self, section: str, key: str, what: str, mend: str) -> NoReturn:
        raise CityFileError(self.path, self.line_of(section, key), what, mend)

    def take(self, key: str, check: Callable[[Any], T], mend: str, *, section: str = "", default: Any = None) -> T:
        table = self.values.get(section, {}) if section else self.values
        name = f"{section}.{key}" if section else key
        if not isinstance(table, dict):
            self.fail("", section, f"`{section}` is not a table.", f"Write it as [{section}].")
        if key not in table:
            if default is not None:
                return default  # type: ignore[no-any-return]
            raise CityFileError(self.path, 0, f"`{name}` is missing.", mend)
        try:
            return check(table[key])
        except (ValueError, TypeError, KeyError, OSError) as problem:
            self.fail(section, key, f"`{name}` = {table[key]!r} is not right: {problem}.", mend)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("a text is wanted")
    return value


def _address(value: Any) -> str:
    if not re.fullmatch(r"[^\s@,<>]+@[^\s@,<>]+", _text(value)):
        raise ValueError("one e-mail address is wanted")
    return str(value)


def _slug(value: Any) -> str:
    if not SLUG.fullmatch(_text(value)):
        raise ValueError("only small letters, digits and single hyphens are allowed")
    return str(value)


def _timezone(value: Any) -> str:
    try:
        return ZoneInfo(_text(value)).key
    except Exception as problem:
        raise ValueError("no such time zone") from problem


def _languages(value: Any) -> tuple[str, ...]:
    # Portuguese is written in two ways: what there is, is Brazil's, by either name; Portugal's waits for who writes it.
    languages = tuple(dict.fromkeys("pt" if code.lower() == "pt-br" else code for code in _texts(value)))
    unknown = [code for code in languages if code not in LANGUAGES]
    if unknown or not languages:
        raise ValueError(f"known languages are {', '.join(LANGUAGES)}")
    return languages


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError("a list of texts is wanted")
    return tuple(value)


def _currency(value: Any) -> str:
    if not CURRENCY.fullmatch(_text(value)):
        raise ValueError("three capital letters of ISO 4217 are wanted")
    return str(value)


def _numbers(count: int) -> Callable[[Any], tuple[float, ...]]:
    def check(value: Any) -> tuple[float, ...]:
        if not isinstance(value, list) or len(value) != count:
            raise ValueError(f"a list of {count} numbers is wanted")
        return tuple(float(item) for item in value)

    return check


def _center(value: Any) -> tuple[float, float]:
    lon, lat = _numbers(2)(value)
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):
        raise ValueError("longitude comes first (-180 to 180), then latitude (-90 to 90)")
    return lon, lat


def _bounds(value: Any) -> tuple[float, float, float, float]:
    west, south, east, north = _numbers(4)(value)
    if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
        raise ValueError("the order is west, south, east, north")
    return west, south, east, north


def _numbers_to_call(table: dict[str, Any]) -> dict[str, str]:
    """`[emergency]`, in the order of EMERGENCIES."""
    for name, number in table.items():
        if name not in EMERGENCIES:
            raise ValueError(f"{name} is none of {', '.join(EMERGENCIES)}")
        if not isinstance(number, str) or not NUMBER.fullmatch(number):
            raise ValueError(f'{name} is no number in quotes, such as "112"')
    return {name: table[name] for name in EMERGENCIES if name in table}


def _contact(table: dict[str, Any]) -> dict[str, str]:
    """`[contact]`, in the order of CONTACTS."""
    for name, text in table.items():
        if name not in CONTACTS:
            raise ValueError(f"{name} is none of {', '.join(CONTACTS)}")
        _text(text)
    if "email" in table:
        _address(table["email"])
    return {name: table[name] for name in CONTACTS if name in table}


def _options(values: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """`[service.NAME]` tables: settings each service reads for itself."""
    tables = values.get("service", {})
    return {name: dict(table) for name, table in tables.items() if isinstance(table, dict)}


def read_city(path: Path) -> City:
    """The city that the file at `path` describes.

    Raises CityFileError, with line and mend, where the file is absent, is no TOML, or says something impossible.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise CityFileError(path, 0, "There is no such file.", "Make one with `cityhall new NAME`.") from None
    except (OSError, UnicodeDecodeError) as problem:
        raise CityFileError(path, 0, f"It cannot be read: {problem}.", "Save it as UTF-8 text.") from None
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        found = re.search(r"line (\d+)", str(problem))
        line = int(found.group(1)) if found else 0
        raise CityFileError(path, line, f"This is not TOML: {problem}.", "Mend the line as the message says.") from None
    take = _Reader(path, text, values).take
    return City(
        name=take("name", _text, 'Write the city\'s name: name = "Goyang".'),
        slug=take("slug", _slug, 'Write a short name for addresses: slug = "goyang".'),
        timezone=take("timezone", _timezone, 'Use an IANA name: timezone = "Asia/Seoul".'),
        languages=take("languages", _languages, 'Write languages = ["en"], the city\'s own first.', default=("en",)),
        currency=take("currency", _currency, 'Write currency = "KRW".'),
        services=take("services", _texts, 'Write services = ["transit"].', default=("transit",)),
        center=take("center", _center, "Write center = [longitude, latitude].", section="map"),
        bounds=take("bounds", _bounds, "Write bounds = [west, south, east, north].", section="map"),
        zoom=take("zoom", float, "Write zoom = 12.", section="map", default=12.0),
        gtfs=take("gtfs", _texts, 'Write gtfs = ["gtfs.zip"].', section="data", default=()),
        osm=take("osm", _text, 'Write osm = "city.osm.pbf".', section="data", default=""),
        zones=take("zones", _text, 'Write zones = "zones.geojson".', section="data", default=""),
        boundary=take("boundary", _text, 'Write boundary = "boundary.geojson".', section="data", default=""),
        attribution=take(
            "attribution",
            _text,
            'Write attribution = "© OpenStreetMap contributors".',
            section="map",
            default="© OpenStreetMap contributors",
        ),
        anchor_to=take(
            "anchor_to", _address, 'Write anchor_to = "auditor@example.org".', section="journal", default=""
        ),
        contact=take("contact", _contact, 'Write [contact] with phone = "..." or email = "...".', default={}),
        emergency=take("emergency", _numbers_to_call, 'Write [emergency] with all = "112".', default={}),
        options=_options(values),
    )
