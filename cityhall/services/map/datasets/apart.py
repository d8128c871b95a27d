"""Others' files, read in a process with limits on time and memory: what comes of them is rows in a file of ours.

A table of 180 kB can hold the interpreter, a GeoPackage may ask for a view without an end: neither may hold up the
worker.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import shapely
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from cityhall.kernel.confined import Exceeded, Failed, confined
from cityhall.kernel.errors import Invalid
from cityhall.kernel.places.plainly import plain
from cityhall.services.map.datasets import limits
from cityhall.services.map.datasets.limits import unreadable
from cityhall.services.map.datasets.reading import Fault, Opened, Row, open_file

MEMORY, SECONDS, WRITES = 4 * 2**30, 180, 2**31
"""Bytes, seconds of a processor, and bytes of a file, that reading a data set may take."""
LOCALE = Path(__file__).resolve().parents[3] / "locale"


def opened_apart(path: Path, name: str, folder: Path) -> Opened:
    """As reading.open_file, but read in a process of its own. Raises Invalid, also for what takes too much."""
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
    return Opened(lambda: _rows(rows), made["count"], made["names"])


def _limits() -> dict[str, int]:
    return {name: value for name, value in vars(limits).items() if name.isupper()}


def _rows(path: Path) -> Iterator[Row | Fault]:
    with path.open("rb") as file:
        for line in file:
            one = orjson.loads(line)
            if "what" in one:
                yield Fault(one["row"], one["field"], one["what"])
            else:
                yield one["row"], shapely.from_wkb(one["place"]), one["values"]


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
            opened = open_file(Path(path), name, Path(folder))
            with Path(rows).open("wb") as out:
                # One more than may be, for whoever checks them to see.
                for _number, one in zip(range(limits.ROWS + 1), opened.rows(), strict=False):
                    out.write(orjson.dumps(_line(one)) + b"\n")
        except CityhallError as problem:
            return {"refused": str(problem.message), "code": problem.code, "mend": str(problem.mend)}
        return {"count": opened.count, "names": opened.names}


def _line(one: Row | Fault) -> dict[str, Any]:
    if isinstance(one, Fault):
        return {"row": one.row, "field": one.field, "what": one.what}
    number, shape, values = one
    return {
        "row": number,
        "place": shapely.to_wkb(shape, hex=True),
        "values": {str(name): plain(value) for name, value in values.items()},
    }
