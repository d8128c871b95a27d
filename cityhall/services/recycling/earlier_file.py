"""The files of an earlier system, read line by line: weighings, and what was unspent. Nothing here asks the database.

CSV in UTF-8 with a head; packed by gzip too. A line that cannot be right is told with its number and the reason, a file
that is none is refused whole. No more of a file is in memory than one weighing.
"""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from io import TextIOWrapper
from itertools import groupby, islice
from pathlib import Path

from cityhall.kernel import values
from cityhall.kernel.errors import Invalid
from cityhall.kernel.files import unpacked
from cityhall.services.recycling.models import Quality
from cityhall.services.recycling.tariffs import MOST_GRAMS, MOST_LINES

WEIGHINGS = (
    *("number", "weighed_at", "card", "building", "crew", "scale", "district"),
    *("material", "grams", "quality", "announced", "points"),
)
"""Columns of a file of weighings."""
BALANCES = ("card", "building", "points", "expires")
"""Columns of a file of what was unspent."""
NEEDED = {WEIGHINGS: ("number", "weighed_at", "material", "grams"), BALANCES: ("points",)}
SHARED = ("weighed_at", "card", "building", "crew", "scale", "district")
"""What all lines of a weighing have to say alike."""
LONGEST = {"number": 100, "card": 8, "building": 150, "crew": 254, "scale": 80, "district": 100}
LONGEST_LINE = 65_536
"""Characters between two ends of lines."""
FIRST_YEAR = 1990
MOST_POINTS = 2**31 - 1

Refuse = Callable[[int, str], None]
"""Told of each line that is refused: its number, and why."""
Numbered = tuple[int, dict[str, str]]


@dataclass(frozen=True, slots=True)
class Whose:
    """An account: the code of a card, or a building's name; one of both."""

    card: str
    building: str


@dataclass(frozen=True, slots=True)
class Part:
    """So much of a material (its key). `announced` in grams, None for not known; `points`: what it brought there."""

    material: str
    grams: int
    quality: str
    announced: int | None
    points: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A weighing of the earlier system, with the numbers of its lines. `crew` is an e-mail address, or ""."""

    lines: tuple[int, ...]
    number: str
    at: datetime
    whose: Whose
    crew: str
    scale: str
    district: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Balance:
    """What an account has unspent; `expires` None: as points do that are given today."""

    line: int
    whose: Whose
    points: int
    expires: date | None


@contextmanager
def rows(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[Iterator[Numbered], Callable[[], float]]]:
    """The lines of a file as (number, values by column), and how much of it was read, from 0 to 1.

    Columns that are not there are "". A line of more or fewer fields than the head has no values, but says so under
    "wrong". Raises Invalid for what is no such file.
    """
    size = max(1, path.stat().st_size)
    with path.open("rb") as raw:
        try:
            with TextIOWrapper(unpacked(raw), newline="", encoding="utf-8-sig") as file:
                yield _rows(path, file, columns), lambda: raw.tell() / size
        except (UnicodeDecodeError, csv.Error, EOFError, zlib.error, gzip.BadGzipFile) as problem:
            raise Invalid(f"{path.name}: {problem}", mend="Save it as CSV in UTF-8.") from problem


def _rows(path: Path, file: TextIOWrapper, columns: tuple[str, ...]) -> Iterator[Numbered]:
    reader = csv.reader(_short_lines(path, file), strict=True)
    head = [one.strip() for one in next(reader, [])]
    missing = [one for one in NEEDED[columns] if one not in head]
    unknown = [one for one in head if one not in columns]
    if missing or unknown or len(set(head)) < len(head) or not {"card", "building"} & set(head):
        told = f"it lacks {', '.join(missing)}" if missing else f"its head is {', '.join(head)[:200]}"
        raise Invalid(f"{path.name}: {told}.", mend=f"The head may have, each once: {', '.join(columns)}.")
    empty = dict.fromkeys(columns, "")
    for fields in reader:
        if len(fields) == len(head):
            yield reader.line_num, empty | {name: one.strip() for name, one in zip(head, fields, strict=True)}
        elif fields:
            yield reader.line_num, empty | {"wrong": f"it has {len(fields)} fields, the head {len(head)}"}


def _short_lines(path: Path, file: TextIOWrapper) -> Iterator[str]:
    number = 0
    while line := file.readline(LONGEST_LINE):
        number += 1
        if len(line) == LONGEST_LINE:
            raise Invalid(f"{path.name}: line {number} is longer than {LONGEST_LINE} characters.", mend="Mend it.")
        yield line


def weighings(lines: Iterator[Numbered], now: datetime, zone: tzinfo, refuse: Refuse) -> Iterator[Entry]:
    """The weighings of a file, in its order. Lines of one number that stand together are one; it is refused whole."""
    for number, group in groupby(lines, key=lambda line: line[1]["number"]):
        if not number:
            for line, said in group:
                refuse(line, said.get("wrong") or "it has no number")
            continue
        together = list(islice(group, MOST_LINES + 1))
        if len(together) > MOST_LINES:
            for line, _said in (*together, *group):
                refuse(line, f"weighing {number[:100]} has more than {MOST_LINES} lines")
            continue
        entry = _entry(together, now, zone, refuse)
        if entry is not None:
            yield entry


def _entry(together: list[Numbered], now: datetime, zone: tzinfo, refuse: Refuse) -> Entry | None:
    first = together[0][1]
    parts: dict[tuple[str, str], Part] = {}
    wrong: dict[int, str] = {}
    for line, said in together:
        try:
            if any(said[one] != first[one] for one in SHARED):
                raise ValueError("it says otherwise than the line before of the same weighing")
            _no_longer(said)
            part = _part(said)
            if (part.material, part.quality) in parts:
                raise ValueError(f"{part.material} is there twice")
            parts[part.material, part.quality] = part
        except ValueError as problem:
            wrong[line] = str(problem)
    try:
        at, whose = _moment(first["weighed_at"], now, zone), _whose(first)
    except ValueError as problem:
        wrong.setdefault(together[0][0], str(problem))
    if wrong:
        for line, _said in together:
            refuse(line, wrong.get(line) or f"line {min(wrong)} of the same weighing is refused")
        return None
    lines = tuple(line for line, _said in together)
    crew = first["crew"].lower()
    return Entry(lines, first["number"], at, whose, crew, first["scale"], first["district"], tuple(parts.values()))


def balances(lines: Iterator[Numbered], today: date, refuse: Refuse) -> Iterator[Balance]:
    """What accounts have unspent, in the order of a file."""
    for line, said in lines:
        try:
            if "wrong" in said:
                raise ValueError(said["wrong"])
            _no_longer(said)
            amount = values.whole(said["points"], MOST_POINTS)
            if not amount:
                raise ValueError(f"{said['points'][:40]!r} is no number of points above zero")
            expires = values.day(said["expires"])
            if said["expires"] and (expires is None or expires <= today):
                raise ValueError(f"{said['expires'][:40]!r} is no day to come")
            balance = Balance(line, _whose(said), amount, expires)
        except ValueError as problem:
            refuse(line, str(problem))
        else:
            yield balance


def _no_longer(said: dict[str, str]) -> None:
    for name, most in LONGEST.items():
        if len(said.get(name, "")) > most:
            raise ValueError(f"{name} is longer than {most} signs")
        if any(sign < " " or sign == "\x7f" for sign in said.get(name, "")):
            raise ValueError(f"{name} has signs that nobody can read")


def _part(said: dict[str, str]) -> Part:
    grams, announced = values.whole(said["grams"], MOST_GRAMS), values.whole(said["announced"], MOST_GRAMS)
    brought, quality = values.whole(said["points"] or "0", MOST_POINTS), said["quality"] or Quality.CLEAN
    if not grams:
        raise ValueError(f"{said['grams'][:40]!r} is no whole number of grams from 1 to {MOST_GRAMS}")
    if said["announced"] and announced is None:
        raise ValueError(f"{said['announced'][:40]!r} is no whole number of grams that were announced")
    if brought is None:
        raise ValueError(f"{said['points'][:40]!r} is no number of points")
    if quality not in Quality.values:
        raise ValueError(f"quality {quality[:40]!r} is none of {', '.join(Quality.values)}")
    return Part(said["material"], grams, quality, announced, brought)


def _moment(text: str, now: datetime, zone: tzinfo) -> datetime:
    at = values.moment(text, zone)
    if at is None or at.year < FIRST_YEAR or at > now:
        raise ValueError(f"{text[:40]!r} is no time of the past (2026-03-31T14:05, the city's time)")
    return at


def _whose(said: dict[str, str]) -> Whose:
    if bool(said["card"]) == bool(said["building"]):
        raise ValueError("it needs a card or a building, one of both")
    return Whose(said["card"].upper(), said["building"])
