"""An alert's texts in the other languages of the city, drafted from the one they were written in."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from django.conf import settings
from django.http import QueryDict

from cityhall.kernel import translating
from cityhall.services.transit.realtime.forms import SHORT

WHERE = "{where}"
"""Stays as it is: the lines and stops that are told of."""


@dataclass(slots=True)
class Drafted:
    """A form's data with what a machine wrote, the languages that it wrote in, and those that it does not know."""

    data: QueryDict
    written: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def possible() -> bool:
    """Whether this machine translates from any language of the city into another one."""
    codes = [code for code, _name in settings.LANGUAGES]
    return any(translating.ways(one, other) for one in codes for other in codes if one != other)


def drafted(data: QueryDict) -> Drafted:
    """Fills what is empty in the other languages; what somebody wrote stays."""
    made = Drafted(data.copy())
    codes = sorted((code for code, _name in settings.LANGUAGES), key=lambda code: code != settings.LANGUAGE_CODE)
    source = next((code for code in codes if data.get(f"header_{code}", "").strip()), None)
    for code, language in settings.LANGUAGES:
        if source is None or code == source:
            continue
        wanted = [name for name in SHORT if data.get(f"{name}_{source}") and not data.get(f"{name}_{code}", "").strip()]
        for name in wanted:
            made.data[f"{name}_{code}"] = _draft(str(data[f"{name}_{source}"]), source, code)
        if wanted:
            some = any(made.data[f"{name}_{code}"] for name in wanted)
            (made.written if some else made.unknown).append(str(language))
    return made


def _draft(text: str, source: str, target: str) -> str:
    """The text in the other language, "" where there is no way to it."""
    said = [_part(part, source, target) for part in text.split(WHERE)]
    return WHERE.join(said) if any(one.strip() for one in said) else ""


def _part(text: str, source: str, target: str) -> str:
    # The spaces beside WHERE stay.
    before, words, after = re.fullmatch(r"(\s*)(.*?)(\s*)", text, re.DOTALL).groups()  # type: ignore[union-attr]
    return f"{before}{translating.draft(words, source, target) if words else ''}{after}"
