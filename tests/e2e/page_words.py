"""What a page says, and what of that is not in its language: for the contract of words (test_words.py)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from html.parser import HTMLParser
from importlib.resources import files
from typing import Any

from babel.messages.pofile import read_po
from django.utils import translation

from cityhall.build.translations import read, template

VOID = frozenset("area base br col embed hr img input link meta source track wbr".split())
SPOKEN = ("aria-label", "title", "placeholder", "alt", "aria-description", "data-confirm")
"""Attributes that are shown or read out."""
SILENT = frozenset(("script", "style", "code", "kbd", "textarea"))
"""What no reader takes for words of the page. What is in <code> is there as it must be typed."""
LIBRARIES = ("django.conf", "django.contrib.auth", "django.contrib.postgres", "allauth")
SCRIPTS = "words of scripts"
"""In JSON and in `data-` attributes: what a page's scripts say when it is time."""
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*\}|<[^<>]+>")
OURS = {
    "es": frozenset("el la los las de del que y en un una por con su para se no al es son".split()),
    "pt": frozenset("o a os as de do da que e em um uma por com para se não no na seu sua é são".split()),
    "ko": frozenset[str](),
}
ENGLISH = frozenset(
    "the of and is are your you with that this from was has have not what when where there it its which who".split()
)
"""Words that an English sentence hardly goes without, and that are no words of the other languages."""
NAMES = frozenset(("English", "Español", "Português", "한국어"))
"""Languages call themselves so, in every list of languages."""
RAW = re.compile(r"\b[a-z]+(?:_[a-z]+)+\b|\b(?:kernel|people|transit|reports|map|devices|vehicles)\.[a-z_]+\b")
"""A field's name, or a permission's or role's: "change_alert", "transit.dispatcher"."""
ADDRESS = re.compile(r"\S+@\S+|\w+://\S+|/\S+/\S*|\b\S+\.(?:toml|txt|json|csv|zip|example|org)\b")
TWELVE = re.compile(r"\b\d{1,2}(?::\d\d)? ?[ap]\.? ?m\b|오전|오후", re.IGNORECASE)
POINT = re.compile(r"(?<![\d.])\d+\.\d{1,2} ?(?:km|m|s|min|%|€|R\$)(?!\w)")
CLOCK = re.compile(r"\d{1,2}:\d\d(?::\d\d)?")


@dataclass
class Said:
    """One text of a page: of an element, of an attribute, or in the words that its scripts use."""

    text: str
    of: str
    at: str = ""
    """The moment that the element's `datetime` says, where it is a <time>."""


@dataclass
class Reader(HTMLParser):
    """Reads a page's texts. What is marked as another language's, or not to be translated, is none of them."""

    language: str
    said: list[Said] = field(default_factory=list)
    stack: list[tuple[str, bool, str]] = field(default_factory=list)
    """Open elements: name, whether their texts count, and the moment that they say."""
    declared: str = ""
    names: set[str] = field(default_factory=set)
    """Texts that are marked as not to be translated; a page's title, which has no marks, may have them too."""

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "html":
            self.declared = given.get("lang", "")
        counts = self._counts(tag, given)
        if counts:
            names = [name for name in SPOKEN if given.get(name)]
            names += ["content"] if given.get("name") == "description" or "og:" in given.get("property", "") else []
            names += ["value"] if given.get("type") in ("submit", "button") else []
            self.said += [Said(" ".join(given.get(name, "").split()), f"{tag}[{name}]") for name in names]
            self.said += [
                Said(text, SCRIPTS) for name, text in given.items() if name.startswith("data-") and " " in text
            ]
        if tag == "script" and given.get("type") == "application/json":
            tag = "words"
        if tag not in VOID:
            self.stack.append((tag, counts or tag == "words", given.get("datetime", "") if tag == "time" else ""))

    def _counts(self, tag: str, given: dict[str, str]) -> bool:
        within = self.stack[-1][1] if self.stack else True
        own = given.get("lang", self.language) == self.language and given.get("translate") != "no"
        return within and own and tag not in SILENT

    def handle_endtag(self, tag: str) -> None:
        names = [name for name, _, _ in self.stack]
        tag = "words" if tag == "script" and names and names[-1] == "words" else tag
        if tag in names:
            del self.stack[len(names) - 1 - names[::-1].index(tag) :]

    def handle_data(self, data: str) -> None:
        text = " ".join(data.split())
        if not text or (self.stack and not self.stack[-1][1]):
            self.names.add(text)
            return
        tag, _, at = self.stack[-1] if self.stack else ("", True, "")
        if tag == "words":
            self.said += [Said(word, SCRIPTS) for word in _strings(json.loads(data))]
        else:
            self.said.append(Said(text, tag, at))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _strings(inner)


@cache
def english(language: str) -> tuple[frozenset[str], tuple[re.Pattern[str], ...]]:
    """English messages that the language has other words for: those without values, and patterns of the others."""
    own = {text for message in read(language) for text in _texts(message.string)}
    known = {text for message in template() for text in _texts(message.id)}
    with translation.override(language):
        known |= {text for texts in _libraries() if translation.gettext(texts[0]) != texts[0] for text in texts}
    whole, patterns = set[str](), list[re.Pattern[str]]()
    for text in known - own - NAMES - {""}:
        if not PLACEHOLDER.search(text):
            whole.add(" ".join(text.split()))
        elif len(re.findall(r"[A-Za-z]{2,}", PLACEHOLDER.sub(" ", text))) > 1:
            parts = [re.escape(" ".join(part.split())) for part in PLACEHOLDER.split(text)]
            patterns.append(re.compile(r"\s?.+?\s?".join(parts)))
    return frozenset(whole), tuple(patterns)


def _libraries() -> Iterator[tuple[str, ...]]:
    """The messages of the libraries whose pages the city shows, in English: one, or one and several."""
    for library in LIBRARIES:
        with (files(library) / "locale/en/LC_MESSAGES/django.po").open("rb") as file:
            yield from (_texts(message.id) for message in read_po(file) if message.id)


def _texts(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value or ())


def faults(page: str, language: str, today: str) -> list[str]:
    """What is wrong with a page's words; `today` is the city's day, as ISO 8601."""
    reader = Reader(language)
    reader.feed(page)
    found = [] if reader.declared == language else [f"the page says that it is in “{reader.declared}”"]
    for said in reader.said:
        if said.of == "title":
            said.text = " · ".join(part for part in said.text.split(" · ") if part not in reader.names)
        for wrong in _wrong(said, language, today):
            found.append(f"{wrong}: {said.text[:100]!r} ({said.of})")
    return found


def _wrong(said: Said, language: str, today: str) -> Iterator[str]:
    whole, patterns = english(language)
    # A single word that scripts have may be a sign of theirs: "bus" is an icon.
    a_word = said.of != SCRIPTS or " " in said.text
    if a_word and (said.text in whole or any(pattern.fullmatch(said.text) for pattern in patterns)):
        yield "an English message"
    elif _is_english(said.text, language):
        yield "English words"
    if said.of != SCRIPTS and (raw := RAW.search(ADDRESS.sub(" ", said.text))):
        yield f"the program's own name {raw[0]}"
    if TWELVE.search(said.text):
        yield "a clock of twelve hours"
    if language in ("es", "pt") and POINT.search(said.text):
        yield "a decimal point"
    if said.at and CLOCK.fullmatch(said.text) and said.at[:10] != today and _is_day(said.at):
        yield f"a time without its day ({said.at})"


def _is_english(text: str, language: str) -> bool:
    words = set(re.findall(r"\w+", text.lower()))
    return len(words & ENGLISH) > 1 and not words & OURS[language] and not re.search("[가-힣]", text)


def _is_day(text: str) -> bool:
    try:
        return bool(datetime.fromisoformat(text))
    except ValueError:
        return False
