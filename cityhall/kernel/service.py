"""The manifest: what a city service declares of itself, and how services are found.

A vertical service (buses, reports, ...) never imports a horizontal one (the window, the map, the plan). It declares
here what it can draw, do and measure, and the horizontals pick that up. A manifest is read before Django is ready,
so everything that needs models is named by a dotted path, `"package.module:function"`, and imported on first use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from importlib import import_module
from importlib.metadata import entry_points
from pkgutil import iter_modules
from typing import Any, Literal, NamedTuple

from django.utils.functional import Promise

Text = str | Promise
Path = str
"""A dotted path: "package.module:attribute"."""


def resolve(path: Path | Callable[..., Any]) -> Any:
    """What a dotted path names; a function, as layers made at run time have, is itself what is meant.

    Raises ImportError with the path in it where there is nothing there.
    """
    if not isinstance(path, str):
        return path
    module, _, attribute = path.partition(":")
    try:
        return getattr(import_module(module), attribute)
    except AttributeError as problem:
        raise ImportError(f"{path}: the module has no such attribute") from problem


@dataclass(frozen=True, slots=True)
class Role:
    """A kind of work people do in a service, and the permissions that go with it (`<service>.<verb>_<noun>`)."""

    slug: str
    name: Text
    permissions: tuple[str, ...] = ()


class Sighting(NamedTuple):
    """Where something was at a moment: what a layer's past is replayed from. Degrees, WGS 84; `at` in UTC."""

    id: str
    at: datetime
    lon: float
    lat: float
    properties: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Layer:
    """Something to draw on the one map. Only `public_fields` ever leave the service: privacy by construction.

    A layer of some thousand features has a `source`, a function (bounds: west, south, east, north | None) -> GeoJSON
    FeatureCollection. A larger one of points has a `query`, a function () -> QuerySet, whose rows have a primary key,
    a PointField called `point` and, as columns or annotations, each public field: tiles, pages and downloads take from
    it what they need. `time` is the column (or property) that says when a feature happened or was seen.
    `live` is the topic whose messages move the points, "" for a layer that stands still. `panel` is the address of
    what is shown of a point that is pressed, with its id for "{id}"; the map asks for it with `?part=1`.

    The past is replayed from `history`, a function (start, end) -> iterable of Sighting, or from the journal's events
    of the types in `events`, whose data say `lon` and `lat` and may hold public fields.
    `permission` keeps a layer for those who have it: it is then neither drawn for others nor open data.
    `labels` are the words for the public fields, `values` those for what a field may hold: by value, or a function
    () -> dict for those that are in the database. `unshown` fields are for programs: charts and tables pass them over.
    """

    slug: str
    name: Text
    kind: Literal["point", "line", "area", "heat"]
    source: Path | Callable[..., Any] = ""
    public_fields: tuple[str, ...] = ()
    live: str = ""
    panel: str = ""
    icon: str = ""
    color: str = "#0b6bcb"
    min_zoom: float = 0
    visible: bool = False
    query: Path | Callable[..., Any] = ""
    columns: dict[str, str] = field(default_factory=dict)
    """Public fields that the query has under another name; "" for one that it has not."""
    time: str = ""
    history: Path | Callable[..., Any] = ""
    events: tuple[str, ...] = ()
    permission: str = ""
    labels: dict[str, Text] = field(default_factory=dict)
    values: dict[str, dict[str, Text] | Path | Callable[..., Any]] = field(default_factory=dict)
    unshown: tuple[str, ...] = ("url", "color")
    summary: Text = ""
    licence: str = ""
    style: dict[str, Any] = field(default_factory=dict)
    """How people want it drawn (see services/map): {"field": "", "colors": [...], "breaks": [...], "size": ""}."""
    stamp: str = ""
    """Changes with the layer's data where that is known; "" where it may change at any moment."""

    def words(self, name: str) -> dict[str, str]:
        """The words for what a field may hold, in the reader's language."""
        some = self.values.get(name, {})
        found = some if isinstance(some, dict) else resolve(some)()
        return {value: str(text) for value, text in found.items()}


@dataclass(frozen=True, slots=True)
class Skill:
    """Something a person may ask for in a conversation: the window offers it, the service's action does it.

    `action` names a function (actor, **slots) -> dict; `slots` are the values it needs, by name.
    """

    slug: str
    name: Text
    examples: tuple[Text, ...]
    action: Path
    slots: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Indicator:
    """A number the service measures, which a living-lab project may try to move. `measure`: () -> float.

    `headline` numbers are shown on the city's front page; each view of it asks for them, so they must be cheap.
    """

    slug: str
    name: Text
    unit: str
    measure: Path
    better: Literal["higher", "lower"] = "higher"
    headline: bool = False


@dataclass(frozen=True, slots=True)
class Feed:
    """A stream the service publishes in a standard form. `view` answers an HTTP GET of `path`."""

    slug: str
    name: Text
    standard: str
    path: str
    view: Path


@dataclass(frozen=True, slots=True)
class Door:
    """Device messages a service takes: `kind` of message -> action (device, message dict, received_at) -> None."""

    kind: str
    action: Path


@dataclass(frozen=True, slots=True)
class Place:
    """What the geocoder may find in a service (stops, labs...). `source`: () -> iterable of place dicts."""

    kind: str
    name: Text
    source: Path


@dataclass(frozen=True, slots=True)
class Task:
    """Work done again and again by the worker. `cron` is a crontab line in UTC."""

    slug: str
    action: Path
    cron: str


@dataclass(frozen=True, slots=True)
class Runner:
    """Work that goes on all the time in a thread of a process: a door that listens, a tracker.

    `run` names a function (stop: threading.Event) -> None. Where it ends before `stop` is set, the whole process is
    started anew.
    """

    slug: str
    run: Path
    part: Literal["devices", "worker"] = "devices"


@dataclass(frozen=True, slots=True)
class LiveTopic:
    """Live topics that not everybody may hear: all those whose names begin with `prefix`.

    `may_hear` names a function (actor, topic) -> bool, asked when somebody begins to listen. Topics of layers are
    public and need none.
    """

    prefix: str
    may_hear: Path


@dataclass(frozen=True, slots=True)
class Service:
    """One city service. `app` is its Python package, which is its Django application too."""

    slug: str
    name: Text
    summary: Text
    app: str
    icon: str = "grid"
    award: Text = ""
    home: str = ""
    card: str = ""
    """Template of what people want of the service most, shown on the city's front page."""
    urls: Path = ""
    api: Path = ""
    swift: dict[str, Path] = field(default_factory=dict)
    """Answers given before Django (see web/swift.py): beginning of the path -> function (path, query, headers) ->
    HttpResponse, or None to have the usual view answer.
    """
    load: Path = ""
    check: Path = ""
    layers: tuple[Layer, ...] = ()
    published: Path = ""
    """Layers that people make while the city runs: names a function () -> iterable of Layer."""
    skills: tuple[Skill, ...] = ()
    indicators: tuple[Indicator, ...] = ()
    feeds: tuple[Feed, ...] = ()
    roles: tuple[Role, ...] = ()
    doors: tuple[Door, ...] = ()
    places: tuple[Place, ...] = ()
    tasks: tuple[Task, ...] = ()
    runners: tuple[Runner, ...] = ()
    topics: tuple[LiveTopic, ...] = ()
    personal_data: dict[str, Text] = field(default_factory=dict)
    """Every field that holds personal data, `"model.field": why it is kept and for how long`."""


class ServiceError(ValueError):
    """A manifest or the list of enabled services is wrong; the message says which and how to mend it."""


def _own() -> Iterable[Service]:
    # By name: the kernel may look through the folder, but knows none of what is in it.
    folder = import_module("cityhall.services")
    for module in iter_modules(folder.__path__):
        if module.ispkg:
            yield resolve(f"cityhall.services.{module.name}.service:SERVICE")


def _installed() -> Iterable[Service]:
    for point in entry_points(group="cityhall.services"):
        yield point.load()


@lru_cache(maxsize=1)
def available() -> dict[str, Service]:
    """Every service on this machine by slug: the folders of `cityhall/services` and other packages' entry points.

    Raises ServiceError where two services claim one slug.
    """
    found: dict[str, Service] = {}
    for service in (*_own(), *_installed()):
        if service.slug in found:
            raise ServiceError(
                f"two services are called {service.slug!r} ({found[service.slug].app} and {service.app}): "
                "rename one in its manifest"
            )
        found[service.slug] = service
    return found


def enabled(slugs: Iterable[str]) -> tuple[Service, ...]:
    """The services a city has switched on, in its order. Raises ServiceError for one that is not installed."""
    known = available()
    missing = [slug for slug in slugs if slug not in known]
    if missing:
        raise ServiceError(
            f"city.toml enables {', '.join(missing)}, which is not installed: "
            f"install it or take it out of `services` (installed: {', '.join(sorted(known)) or 'none'})"
        )
    return tuple(known[slug] for slug in slugs)


def city_services() -> tuple[Service, ...]:
    """The services of the city that this process serves."""
    from django.conf import settings

    return enabled(settings.CITY.services)


def declared(kind: str) -> list[tuple[Service, Any]]:
    """Every (service, item) that the city's services declare of a kind: "layers", "skills", "doors" ..."""
    return [(service, item) for service in city_services() for item in getattr(service, kind)]


def all_layers() -> list[tuple[Service, Layer]]:
    """Every layer of the city: those its services declare, then those that people have published."""
    made = [
        (service, layer) for service in city_services() if service.published for layer in resolve(service.published)()
    ]
    return [*declared("layers"), *made]


Loader = Callable[[Callable[[str, float], None]], None]
"""A service's `load`: reads what the city folder holds for it, telling its progress (what, share 0 to 1)."""
