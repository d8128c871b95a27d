"""What a service may declare of people: who may do what, where officers work, what is kept of anybody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.utils.functional import Promise
from django.utils.text import format_lazy

from cityhall.kernel.service import Path, Text


@dataclass(frozen=True, slots=True)
class Role:
    """A kind of work people do in a service, and the permissions that go with it (`<service>.<verb>_<noun>`)."""

    slug: str
    name: Text
    permissions: tuple[str, ...] = ()
    scopes: Path = ""
    """The parts of the city it may be held for: a function () -> iterable of (scope, name). "": the whole city only."""


@dataclass(frozen=True, slots=True)
class Desk:
    """A page where officers work, at `home`, for whoever holds `permission`, for the whole city or a part of it.

    `waiting` names a function (actor) -> int: how much waits there for them; `late` one that says how much of that
    is late. "" where there is no such number. `waiting_name` is what the first one is called, "" for "Waiting".
    """

    slug: str
    name: Text
    home: str
    permission: str
    icon: str = ""
    waiting: Path = ""
    late: Path = ""
    waiting_name: Text = ""


def kept(why: Text, until: Text) -> Promise:
    """Why a field is kept and until when, in the reader's language."""
    return format_lazy("{}; {}", why, until)


@dataclass(frozen=True, slots=True)
class PersonalData:
    """Every field that holds personal data: `"Model.field": why it is kept and for how long`.

    A field of another application is named with it: `"account.EmailAddress.email"`. `names` are the words for a model
    or field whose own name is nobody's language: `{"Comment": _("comment"), "Comment.author": _("author")}`. `ties`
    says by which lookups a model is a person's where no field of its own does: `{"Part": ("comment__author",)}`.
    """

    fields: Mapping[str, Text]
    names: Mapping[str, Text] = field(default_factory=dict)
    ties: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
