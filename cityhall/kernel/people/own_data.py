"""What is kept of a person, for them to read: by service, with the values, and nothing of what is not there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import models
from django.utils import formats, timezone
from django.utils.translation import gettext as _

from cityhall.kernel.people.declares import PersonalData
from cityhall.kernel.people.models import Person
from cityhall.kernel.people.privacy import models_of, names_of, own_rows
from cityhall.kernel.service import Service, Text, declared

MOST_SHOWN = 50
"""Things of a kind that the page shows; the file to take along has all of them."""
LONGEST_SHOWN = 300
"""Characters of a value."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field that is kept: its name, why and until when, and its values in words, one for each thing shown."""

    name: Text
    why: Text
    values: list[str]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of thing that is kept: its name, how many there are, and the fields that say something."""

    name: Text
    count: int
    fields: list[Field]

    @property
    def more(self) -> int:
        """How many are not shown."""
        return max(0, self.count - MOST_SHOWN)


@dataclass(frozen=True, slots=True)
class Part:
    """A service, or a room of the kernel, that keeps something."""

    name: Text
    kinds: list[Kind]


def kept_of(person: Person) -> list[Part]:
    """All that is kept of a person, by the services' order; a service that keeps nothing of them is not in it."""
    # A service may declare its data in several pieces, and two may share a name for people.
    found: dict[str, Part] = {}
    for owner, item in declared(PersonalData):
        kinds = [kind for model, fields in models_of(owner, item).items() if (kind := _kind(model, fields, person))]
        if kinds:
            found.setdefault(owner.slug, Part(_name(owner), [])).kinds.extend(kinds)
    return list(found.values())


def _name(owner: Service) -> Text:
    return owner.name or owner.slug


def _kind(model: type[models.Model], fields: dict[str, Text], person: Person) -> Kind | None:
    found = own_rows(model, person)
    if found is None:
        return None
    mine, ties = found
    rows = list(mine.order_by("-pk")[:MOST_SHOWN])
    if not rows:
        return None
    name, *names = names_of(model, list(fields))
    said = [
        Field(called, why, values)
        for (field, why), called in zip(fields.items(), names, strict=True)
        if field not in ties and any(values := [_in_words(row, field) for row in rows])
    ]
    return Kind(name, len(rows) if len(rows) < MOST_SHOWN else mine.count(), said) if said else None


def _in_words(row: models.Model, name: str) -> str:
    """A value as people read it; "" where there is none."""
    field = row._meta.get_field(name)
    if getattr(field, "choices", None):
        return str(getattr(row, f"get_{name}_display")())
    if isinstance(field, models.ForeignKey):
        return str(getattr(row, field.attname) or "")
    return _plain(field.value_from_object(row))  # type: ignore[union-attr]


def _plain(value: Any) -> str:
    if value is None or value == "" or value == {} or value == []:
        return ""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, datetime):
        return formats.date_format(timezone.localtime(value), "SHORT_DATETIME_FORMAT")
    if isinstance(value, date):
        return formats.date_format(value, "SHORT_DATE_FORMAT")
    if isinstance(value, bytes | memoryview | dict | list):
        return _("data that only programs read")
    text = str(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"
