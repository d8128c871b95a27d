"""What a page loads: the shell's script and style, and those of the service whose page it is."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import lru_cache
from hashlib import blake2s
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders
from django.http import HttpRequest

from cityhall.kernel.service import Addresses, Service, declared
from cityhall.web.declares import Assets

SHELL = Assets(script="src/shell/main.ts", style="src/shell/styles/main.css", worker="cityhall/workers/shell.js")


@lru_cache(maxsize=1)
def _manifest() -> dict[str, Any]:
    found = finders.find("cityhall/manifest.json")
    if not isinstance(found, str):
        raise FileNotFoundError("the front end is not built: run script/setup")
    made: dict[str, Any] = json.loads(Path(found).read_text())
    return made


def owner(request: HttpRequest) -> Service | None:
    """The room or service below whose addresses a page is; None for the shell's own, and where nothing is found."""
    match = request.resolver_match
    if match is None:
        return None
    first = match.route.partition("/")[0]
    return next((service for service, item in declared(Addresses) if (item.prefix or service.slug) == first), None)


def of_page(request: HttpRequest | None, *, front: bool = False) -> list[Assets]:
    """What the page loads, in order. `front`: it shows parts of every service, as the front page and the one map do."""
    shared = [item for _service, item in declared(Assets) if item.front] if front else []
    service = owner(request) if request else None
    return [SHELL, *shared, *(service.of(Assets) if service else ())]


def styles(loaded: Iterable[Assets]) -> list[str]:
    """Static paths of style sheets, each once."""
    names = [name for item in loaded for name in _styles(item)]
    return list(dict.fromkeys(names))


def _styles(item: Assets) -> Iterator[str]:
    if item.style:
        yield file(item.style)
    for name in (item.script, *imported(item.script)):
        yield from (f"cityhall/{style}" for style in _chunk(name).get("css", ()))


def scripts(loaded: Iterable[Assets]) -> tuple[list[str], list[str]]:
    """Static paths of scripts, each once: those that the others import, and those that are run."""
    named = [item.script for item in loaded if item.script]
    needed = dict.fromkeys(file(other) for name in named for other in imported(name))
    return list(needed), list(dict.fromkeys(map(file, named)))


def imported(name: str) -> list[str]:
    """The names of what an entry of our build imports at once, and that of it, each once."""
    found: dict[str, None] = {}
    waiting = list(_chunk(name).get("imports", ()))
    while waiting:
        other = waiting.pop(0)
        if other not in found:
            found[other] = None
            waiting += _chunk(other).get("imports", ())
    return list(found)


def file(name: str) -> str:
    """The static path of an entry of our build, or of a package's own static file, which is its name."""
    chunk = _chunk(name)
    return f"cityhall/{chunk['file']}" if chunk else name


def _chunk(name: str) -> dict[str, Any]:
    if settings.DEBUG:
        _manifest.cache_clear()
    found: dict[str, Any] = _manifest().get(name, {})
    return found


@lru_cache(maxsize=1)
def build() -> str:
    """A name of the front end that this process serves: a screen that shows an older one loads itself anew."""
    return blake2s(json.dumps(_manifest()).encode(), digest_size=6).hexdigest()


def service_worker() -> bytes:
    """The city's service worker: the parts of its services, then the shell's, which answers what no other has.

    A part that is not there is left out, and `missing` tells of it: the others still work.
    """
    named = [item.worker for item in (*(item for _service, item in declared(Assets)), SHELL) if item.worker]
    found = [path for path in map(finders.find, named) if isinstance(path, str)]
    return b";\n".join(Path(path).read_bytes() for path in found)


def missing() -> list[tuple[str, str]]:
    """What manifests name and nobody has: (service's slug, name)."""
    return [
        (service.slug, name)
        for service, item in declared(Assets)
        for name in (item.script, item.style, item.worker)
        if name and not finders.find(file(name))
    ]
