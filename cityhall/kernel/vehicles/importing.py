"""Entering a whole fleet from a table of another program."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from cityhall.kernel.errors import Invalid
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.values import whole
from cityhall.kernel.vehicles import register

COLUMNS = ("id", "kind", "label", "capacity", "wheelchair")
TRUTH = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False, "": None}


@transaction.atomic
def import_csv(actor: Actor, path: Path) -> int:
    """Enters every vehicle of a CSV in UTF-8, or changes it; all or none. Gives how many there were.

    Its first line names the columns: id and kind, and label, capacity and wheelchair (yes, no) where they are known.
    Raises Invalid, with the line, for the first that cannot be; Denied.
    """
    number = 0
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, strict=True)
            _look_at(path, list(reader.fieldnames or ()))
            for row in reader:
                try:
                    register.enter(actor, row["id"] or "", **_values(row))
                except Invalid as problem:
                    where = _("%(file)s, line %(line)s: ") % {"file": path.name, "line": reader.line_num}
                    raise Invalid(f"{where}{problem.message}", field=problem.field, mend=problem.mend) from problem
                number += 1
    except (UnicodeDecodeError, csv.Error) as problem:
        raise Invalid(f"{path.name}: {problem}", mend=_("Save it as CSV in UTF-8.")) from problem
    return number


def _look_at(path: Path, found: list[str]) -> None:
    missing = [name for name in COLUMNS[:2] if name not in found]
    unknown = [name for name in found if name not in COLUMNS]
    if missing or unknown or len(set(found)) < len(found):
        raise Invalid(
            _("%(file)s has other columns than a fleet.") % {"file": path.name},
            mend=_("Its first line must name id and kind, and may name label, capacity and wheelchair."),
        )


def _values(row: dict[str, Any]) -> dict[str, Any]:
    """What a row says of its vehicle. Raises Invalid."""
    if None in row:
        raise Invalid(_("It has more values than there are columns."), mend=_('Put a text with commas in "quotes".'))
    said = {name: (row.get(name) or "").strip() for name in COLUMNS}
    capacity = whole(said["capacity"])
    if said["capacity"] and capacity is None:
        raise Invalid(_("No vehicle has so many places."), field="capacity", mend=_("Give a number from 0 to 32767."))
    if said["wheelchair"].lower() not in TRUTH:
        raise Invalid(
            _("Whether it takes wheelchairs is not said."), field="wheelchair", mend=_("Write yes, no or nothing.")
        )
    return {
        "kind": said["kind"],
        "label": said["label"],
        "capacity": capacity,
        "wheelchair": TRUTH[said["wheelchair"].lower()],
    }
