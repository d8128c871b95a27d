"""What a service may declare to the shell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

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


@dataclass(frozen=True, slots=True)
class Mine:
    """What the service keeps for whoever asks, a section of the page *What is yours*.

    `rows` names a function (actor) -> list of web.rows.Row. `empty` says how to begin, where there is nothing, and
    `begin` is the page for that. `device` is a template for what this browser keeps besides, which the service's own
    script fills: one with `front` is loaded there.
    """

    slug: str
    name: Text
    rows: Path
    empty: Text
    begin: str = ""
    home: str = ""
    icon: str = ""
    device: str = ""


@dataclass(frozen=True, slots=True)
class WrongNow:
    """What of the service is out of the ordinary in the city now, first on its front page.

    `rows` names a function () -> list of web.rows.Row, the gravest first, none where all is well. Every view of the
    front page asks for them, so they must be cheap.
    """

    rows: Path


class Found(NamedTuple):
    """One thing that a `Findable` found: its name, its kind in words, more of it, its address and an icon."""

    name: str
    kind: str
    detail: str
    url: str
    icon: str


@dataclass(frozen=True, slots=True)
class Findable:
    """What the city's one search finds of a service besides its places: lines, courses ....

    `name` is said over them where answers stand by kind. `source` names a function (words: str, most: int) -> list of
    `Found`, the best first: those whose name begins with, or holds, what a reader typed.
    """

    slug: str
    name: Text
    source: Path


@dataclass(frozen=True, slots=True)
class PlaceAction:
    """What may be done with any place, offered on its page: `url` has "{lon}", "{lat}" and "{name}" to be filled in."""

    name: Text
    url: str
    icon: str = "arrow"
