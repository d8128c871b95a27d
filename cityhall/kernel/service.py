"""The manifest: what a city service declares of itself, and how services are found.

A vertical service (buses, reports, ...) never imports a horizontal one (the window, the map, the plan). It declares
what it can draw, do and measure, and whoever needs that reads the declarations. Each kind of declaration is a frozen
dataclass in the room that reads it (`kernel/places/declares.py`, `kernel/work/declares.py`, ...); here are those that
every room may have. The kernel's rooms declare by the same means, in a `room.py` of theirs.

A manifest is read before Django is ready, so everything that needs models is named by a dotted path,
`"package.module:function"`, and imported on first use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pkgutil import iter_modules
from typing import Any, Literal, TypeVar

from django.utils.functional import Promise

Text = str | Promise
Path = str
"""A dotted path: "package.module:attribute"."""
Group = Literal["around", "help", "pay", "part", "see"]
"""What people come for: to get around, to report and get help, to pay and book, to take part, to see the city."""
T = TypeVar("T")


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
class Addresses:
    """Pages, under `/<prefix>/`: `urls` names a list of Django's URL patterns. Without a prefix, the service's slug."""

    urls: Path
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class Api:
    """The HTTP API under `/api/<slug>/`: `router` names a `ninja.Router`."""

    router: Path


@dataclass(frozen=True, slots=True)
class Load:
    """Reads what the city's folder holds for the service. `action` names a `Loader`.

    `outdated` names a function () -> bool: whether what it made was made by another version of the program. A city
    that starts then loads it again.
    """

    action: Path
    outdated: Path = ""


@dataclass(frozen=True, slots=True)
class Check:
    """What `cityhall check` says: `action` names a function () -> iterable of (level, what, mend).

    Level is "ok", "warning" or "error"; mend says what to do, "" where all is well.
    """

    action: Path


@dataclass(frozen=True, slots=True)
class Service:
    """One city service, or one room of the kernel. `app` is its Python package, its Django application too.

    `home` is the address of its first page, "" for one that has none; `group` and `rank` say among which needs and how
    early it is offered. `verbs` are what people do there, (what, address), what they want most first: one that has none
    is offered by its skills. `declares` is everything else: layers, tasks, roles, ...
    """

    slug: str
    name: Text
    summary: Text
    app: str
    icon: str = "grid"
    award: Text = ""
    home: str = ""
    group: Group = "see"
    rank: int = 100
    verbs: tuple[tuple[Text, str], ...] = ()
    declares: tuple[Any, ...] = ()

    def of(self, kind: type[T]) -> list[T]:
        """What it declares of a kind, in its order."""
        return [item for item in self.declares if isinstance(item, kind)]


class ServiceError(ValueError):
    """A manifest or the list of enabled services is wrong; the message says which and how to mend it."""


MOVED = {
    **dict.fromkeys(("Layer", "Place", "Sighting"), "cityhall.kernel.places.declares"),
    **dict.fromkeys(("Task", "Runner"), "cityhall.kernel.work.declares"),
    "Role": "cityhall.kernel.people.declares",
    "Door": "cityhall.kernel.devices.declares",
    "Indicator": "cityhall.kernel.indicators.declares",
    "Skill": "cityhall.kernel.skills.declares",
    "LiveTopic": "cityhall.kernel.live",
    "Feed": "cityhall.web.declares",
}
"""Where the declarations are that stood here in the first manifests."""


def __getattr__(name: str) -> Any:
    if name in MOVED:
        raise ImportError(
            f"{name} is in {MOVED[name]} now, and a manifest lists all its declarations in Service(declares=(...)): "
            "see docs/add-a-service.md"
        )
    raise AttributeError(name)


def _own() -> Iterator[Service]:
    # By name: the kernel may look through the folder, but knows none of what is in it.
    folder = import_module("cityhall.services")
    for module in iter_modules(folder.__path__):
        if module.ispkg:
            yield resolve(f"cityhall.services.{module.name}.service:SERVICE")


def _installed() -> Iterator[Service]:
    for point in entry_points(group="cityhall.services"):
        yield _read(point)


def _read(point: EntryPoint) -> Service:
    """Another package's manifest. Raises ServiceError, with how to change it, for one that cannot be read."""
    try:
        found = point.load()
    except (ImportError, AttributeError, TypeError) as problem:
        old = " (a manifest lists all its declarations in `declares=(...)`: see docs/add-a-service.md)"
        why = f"{problem}{old if isinstance(problem, TypeError) else ''}"
        raise ServiceError(f"the service {point.name!r} ({point.value}) cannot be read: {why}") from problem
    if not isinstance(found, Service):
        raise ServiceError(f"{point.value} is no Service: name the manifest's Service in the entry point")
    return found


@lru_cache(maxsize=1)
def rooms() -> tuple[Service, ...]:
    """What the kernel's rooms declare: each room that has a `room.py`, by name."""
    kernel = import_module("cityhall.kernel")
    names = [f"cityhall.kernel.{module.name}.room" for module in iter_modules(kernel.__path__) if module.ispkg]
    return tuple(resolve(f"{name}:ROOM") for name in names if find_spec(name))


@lru_cache(maxsize=1)
def available() -> dict[str, Service]:
    """Every service on this machine by slug: the folders of `cityhall/services` and other packages' entry points.

    Raises ServiceError where two services, or a service and a room of the kernel, claim one slug.
    """
    found: dict[str, Service] = {}
    taken = {room.slug: room for room in rooms()}
    for service in (*_own(), *_installed()):
        other = found.get(service.slug) or taken.get(service.slug)
        if other:
            raise ServiceError(
                f"two services are called {service.slug!r} ({other.app} and {service.app}): rename one in its manifest"
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


def declared(kind: type[T]) -> list[tuple[Service, T]]:
    """Every (owner, declaration) of a kind in this city: the kernel's rooms, then the services in the city's order."""
    return [(owner, item) for owner in (*rooms(), *city_services()) for item in owner.of(kind)]


Loader = Callable[[Callable[[str, float], None]], Iterable[tuple[str, str, str]] | None]
"""A service's `Load`: reads what the city folder holds for it, telling its progress (what, share 0 to 1).

What it gives is told when all is read: (level, what, mend) as its `Check` does, "ok" left out.
"""
