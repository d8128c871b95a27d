"""What a service may declare to the shell."""

from __future__ import annotations

from dataclasses import dataclass

from cityhall.kernel.service import Path, Text


@dataclass(frozen=True, slots=True)
class Card:
    """What people want of the service most, shown on the city's front page: a template's name."""

    template: str


@dataclass(frozen=True, slots=True)
class Assets:
    """The script and style of the service's own pages; with `front`, also of the city's front page and the one map.

    Each is the path of a static file of the service's own app ("fountains/main.js"), or the source of an entry of our
    own build ("src/services/transit/main.ts"). The script is a module. `worker` is a static file too: a script that
    goes before the shell's in the city's service worker, for what the service does without a network.
    """

    script: str = ""
    style: str = ""
    worker: str = ""
    front: bool = False


@dataclass(frozen=True, slots=True)
class Swift:
    """An answer given before Django (see web/swift.py) to every GET of a path that begins with `prefix`.

    `answer` names a function (path, query, headers) -> HttpResponse, or None to have the usual view answer.
    """

    prefix: str
    answer: Path


@dataclass(frozen=True, slots=True)
class Feed:
    """What the service publishes at `path` in a standard form: listed for programmers and in the catalogue."""

    slug: str
    name: Text
    standard: str
    path: str
