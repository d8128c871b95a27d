"""Others' files, read in a process with limits on time and memory: what comes of them is rows in a file of ours.

A table of 180 kB can hold the interpreter, a GeoPackage may ask for a view without an end, an outline may take minutes
to be checked: none may hold up the worker.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from cityhall.kernel.confined import Exceeded, Failed, confined
from cityhall.kernel.errors import Invalid
from cityhall.kernel.places.plainly import plain
from cityhall.services.map.datasets import limits
from cityhall.services.map.datasets.limits import unreadable
from cityhall.services.map.datasets.placing import Place, Placing
from cityhall.services.map.datasets.reading import Fault, Row, open_file

MEMORY, SECONDS, WRITES = 4 * 2**30, 180, 2**31
"""Bytes, seconds of a processor, and bytes of a file, that reading a data set may take."""
LOCALE = Path(__file__).resolve().parents[3] / "locale"


Placed = tuple[int, Place, dict[str, Any]]
"""A row from 1, where it is, its values."""


@dataclass(frozen=True)
class Read:
    """A file that was read. `rows` gives each row or a Fault for a bad one, `count` how many there are said to be."""

    rows: Callable[[], Iterator[Placed | Fault]]
    count: int
    names: list[str]


def read_apart(path: Path, name: str, folder: Path) -> Read:
    """As reading.open_file, but read and placed in a process of its own. Raises Invalid, also for too much work."""
    rows = folder / "rows"
    try:
        made = confined(
            "cityhall.services.map.datasets.apart:read",
            *(str(path), name, str(folder), str(rows), get_language() or "en", _limits()),
            memory=MEMORY,
            seconds=SECONDS,
            writes=WRITES,
        )
    except Exceeded as problem:
        raise unreadable(_("reading it takes too much time or memory")) from problem
    except Failed as problem:
        raise unreadable(_("it is damaged")) from problem
    if "refused" in made:
        raise Invalid(made["refused"], code=made["code"], mend=made["mend"])
    return Read(lambda: _rows(rows), made["count"], made["names"])


def _limits() -> dict[str, int]:
    return {name: value for name, value in vars(limits).items() if name.isupper()}


def _rows(path: Path) -> Iterator[Placed | Fault]:
    with path.open("rb") as file:
        for line in file:
            one = orjson.loads(line)
            if "what" in one:
                yield Fault(one["row"], one["field"], one["what"])
            else:
                family, lon, lat, geometry = one["place"]
                yield one["row"], (family, lon, lat, geometry), one["values"]


def read(path: str, name: str, folder: str, rows: str, language: str, most: dict[str, int]) -> dict[str, Any]:
    """In the process: writes the rows of a file, and gives how many there are said to be, or why it is refused."""
    import django
    from django.conf import settings
    from django.utils import translation

    from cityhall.kernel.errors import CityhallError

    # Django's translations alone: no city, no database.
    settings.configure(USE_I18N=True, LANGUAGE_CODE="en", LOCALE_PATHS=[LOCALE])
    django.setup()
    for limit, value in most.items():
        setattr(limits, limit, value)
    with translation.override(language):
        try:
            opened, placing = open_file(Path(path), name, Path(folder)), Placing()
            with Path(rows).open("wb") as out:
                # One more than may be, for whoever checks them to see.
                for _number, one in zip(range(limits.ROWS + 1), opened.rows(), strict=False):
                    out.write(orjson.dumps(_line(one, placing)) + b"\n")
        except CityhallError as problem:
            return {"refused": str(problem.message), "code": problem.code, "mend": str(problem.mend)}
        return {"count": opened.count, "names": opened.names}


def _line(one: Row | Fault, placing: Placing) -> dict[str, Any]:
    try:
        if isinstance(one, Fault):
            raise one
        number, shape, values = one
        place = placing.place(number, shape)
    except Fault as fault:
        return {"row": fault.row, "field": fault.field, "what": fault.what}
    return {"row": number, "place": place, "values": {str(name): plain(value) for name, value in values.items()}}
