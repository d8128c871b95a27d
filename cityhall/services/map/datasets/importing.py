"""From a file to rows in the database: each row checked, what is wrong said by row and field."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils.translation import gettext as _

from cityhall.kernel.errors import CityhallError
from cityhall.kernel.places.layers import plain
from cityhall.kernel.places.point import Point
from cityhall.services.map.datasets import limits
from cityhall.services.map.datasets.apart import Placed, Read, read_apart
from cityhall.services.map.datasets.limits import too_large, unreadable
from cityhall.services.map.datasets.moments import is_moment
from cityhall.services.map.datasets.reading import Fault
from cityhall.services.map.models import DatasetFeature, DatasetVersion

BATCH = 2_000
TAKEN = frozenset({"bbox", "datetime", "limit", "after", "f", "facets", "zoom", "start", "minutes", "id", "points"})
"""Names that mean something in an address or a tile: a field called so gets a _ behind it."""
PERSONAL = ("mail", "phone", "telef", "birth", "nacim", "nascim", "passport", "cpf", "iban", "owner_name", "surname")
LARGEST = 2**63 - 1
"""The largest whole number that the database counts with."""
State = DatasetVersion.State


class Importer:
    """Checks rows and writes the good ones. `fields` grow as names are met; `kind` is the first row's."""

    def __init__(self, version: DatasetVersion, opened: Read) -> None:
        self.version, self.opened = version, opened
        self.fields: dict[str, dict[str, Any]] = {}
        self.kind = ""
        self.problems: list[dict[str, Any]] = []
        self.rows = 0

    def run(self, told: Callable[[float], None]) -> None:
        """Everything, a batch at a time. Raises TooMany past a limit, Invalid where nothing is there."""
        batch: list[tuple[Point, Any, dict[str, Any]]] = []
        for made in self._checked():
            batch.append(made)
            if len(batch) == BATCH:
                self._write(batch)
                told(min(0.99, self.rows / max(1, self.opened.count)))
                batch = []
        self._write(batch)
        if not self.rows and not self.problems:
            raise unreadable(_("it has no rows"))

    def _checked(self) -> Iterator[tuple[Point, Any, dict[str, Any]]]:
        for one in self.opened.rows():
            try:
                if isinstance(one, Fault):
                    raise one
                yield self._row(one)
            except Fault as fault:
                if len(self.problems) < limits.PROBLEMS:
                    # A name may hold what no JSON of the database does, and then nobody would be told.
                    told = {"field": fault.field.replace("\0", ""), "what": str(fault.what).replace("\0", "")}
                    self.problems.append({"row": fault.row, **told})
                elif not self.version.lenient:
                    return

    def _row(self, row: Placed) -> tuple[Point, Any, dict[str, Any]]:
        number, (self.kind, lon, lat, geometry), values = row
        self.rows += 1
        if self.rows > (limits.ROWS if self.kind == "point" else limits.SHAPES):
            raise too_large(_("rows"), limits.ROWS if self.kind == "point" else limits.SHAPES)
        return (
            Point(lon, lat),
            geometry,
            {self._field(name, value): value for name, value in self._values(number, values)},
        )

    def _values(self, number: int, values: dict[str, Any]) -> Iterator[tuple[str, Any]]:
        for name, value in values.items():
            made = plain(value)
            if isinstance(made, float) and not math.isfinite(made):
                made = None
            if type(made) is int and abs(made) > LARGEST:
                # So long a number tells which, not how many.
                made = str(made)
            if isinstance(made, str):
                made = made.replace("\x00", "")
                if len(made) > limits.TEXT:
                    most = {"most": limits.TEXT}
                    raise Fault(number, str(name)[:60], _("it is longer than %(most)s letters") % most)
            yield str(name), made

    def _field(self, name: str, value: Any) -> str:
        """What a field is called here; widens its type where a value asks for it."""
        known = self.fields.get(name)
        if known is None:
            if len(self.fields) >= limits.FIELDS:
                raise too_large(_("fields"), limits.FIELDS)
            known = self.fields[name] = {"name": self._free(name), "type": "", "public": not _personal(name)}
        kind = _type(value)
        if kind and known["type"] != kind:
            numbers = {known["type"], kind} == {"int", "float"}
            known["type"] = "float" if numbers else kind if not known["type"] else "text"
        return str(known["name"])

    def _free(self, name: str) -> str:
        base = " ".join(name.replace("\0", " ").split())[:60] or "field"
        base = f"{base}_" if base.lower() in TAKEN else base
        names = {one["name"] for one in self.fields.values()}
        return base if base not in names else next(f"{base} {n}" for n in range(2, 99) if f"{base} {n}" not in names)

    def _write(self, batch: list[tuple[Point, Any, dict[str, Any]]]) -> None:
        if not batch:
            return
        table = DatasetFeature._meta.db_table
        into = f"COPY {table} (version_id, point, geometry, properties) FROM STDIN"
        with transaction.atomic(), connection.cursor() as cursor, cursor.copy(into) as copy:
            for place, geometry, values in batch:
                shape = None if geometry is None else orjson.dumps(geometry).decode()
                point = f"({place.lon!r},{place.lat!r})"
                copy.write_row((self.version.pk, point, shape, orjson.dumps(values).decode()))


def _type(value: Any) -> str:
    """What a value is, "" for none."""
    if value is None or value == "":
        return ""
    if isinstance(value, str):
        return "time" if is_moment(value) else "text"
    return {bool: "bool", int: "int", float: "float"}.get(type(value), "text")


def _personal(name: str) -> bool:
    """Whether a field's name says that it is about a person: it is kept back until somebody says otherwise."""
    return any(part in name.lower() for part in PERSONAL)


def import_version(version: DatasetVersion, path: Path, name: str) -> None:
    """Reads a version's file, which was called `name`: its rows are kept, and the version says whether it is ready.

    That it is, or has failed with which problems, is saved by actions.read, with what follows from it.
    """

    def told(share: float) -> None:
        DatasetVersion.objects.filter(pk=version.pk).update(progress=share)

    version.state = State.READING
    version.save(update_fields=["state"])
    importer = None
    try:
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            importer = Importer(version, read_apart(path, name, Path(folder)))
            importer.run(told)
    except CityhallError as problem:
        _fail(version, [*(importer.problems if importer else []), {"row": 0, "field": "", "what": str(problem)}])
        return
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        # Whatever a library stumbles on in a file is the file's fault to its owner; the log has it whole.
        _fail(version, [{"row": 0, "field": "", "what": str(unreadable(_("it is damaged")))}])
        raise
    if importer.problems and not version.lenient:
        _fail(version, importer.problems)
        return
    version.kind, version.rows = importer.kind, importer.rows
    version.fields = [known | {"type": known["type"] or "text"} for known in importer.fields.values()]
    if moments := [one for one in version.fields if one["type"] == "time" and one["public"]]:
        moments[0]["when"] = True
    version.problems, version.progress, version.state = importer.problems, 1.0, State.READY


def _fail(version: DatasetVersion, problems: list[dict[str, Any]]) -> None:
    DatasetFeature.objects.filter(version=version).delete()
    version.state, version.problems = State.FAILED, problems
