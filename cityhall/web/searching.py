"""One search over everything in the city: what may be done, services, pages, what services let find, places.

Who looks for help has a need and not the name of a service, so names, summaries, examples and kinds are all matched, in
every language of the city whatever the reader's is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple
from urllib.parse import urlencode

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from cityhall.kernel.places import geocoder, kinds
from cityhall.kernel.places.declares import Place
from cityhall.kernel.places.folding import fold, trigrams
from cityhall.kernel.places.models import PlaceName
from cityhall.kernel.places.zones import area_of
from cityhall.kernel.service import Service, Text, declared, resolve
from cityhall.kernel.skills.declares import Page, Skill
from cityhall.kernel.skills.finding import find
from cityhall.web.declares import Findable

MOST = 12
"""Answers at most."""
EACH = 3
"""Answers at most of a group, but for places, which take what is left."""
LIKE = 0.6
"""The least share of the typed pieces that a service's or page's words hold where letters are wrong."""
SURE, BEGUN, MEANT, LIKELY = range(4)
"""How well an answer fits: its whole name, how it begins, some word of it, only its letters."""
LONGEST = 200


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: its `group` and `kind` in words, where it leads; `lon` and `lat` in degrees for a place."""

    group: str
    kind: str
    name: str
    detail: str
    area: str
    icon: str
    url: str
    lon: float | None = None
    lat: float | None = None


class Fit(NamedTuple):
    """An answer and how well it fits: SURE is best."""

    fit: int
    answer: Answer


def search(query: str, near: tuple[float, float] | None = None, most: int = MOST) -> list[Answer]:
    """The best answers, those of a group together and the group of the best answer first."""
    query = query[:LONGEST].strip()
    if not fold(query):
        return []
    groups = [_skills(query), _services(query), _pages(query), *_findables(query)]
    found = [fit for group in groups for fit in sorted(group, key=lambda fit: fit.fit)[:EACH]]
    found += _places(query, near, most)
    # What only looks alike would stand in the way of what is meant.
    clear = [fit for fit in found if fit.fit < LIKELY]
    best: dict[str, int] = {}
    for fit in clear or found:
        best[fit.answer.group] = min(fit.fit, best.get(fit.answer.group, LIKELY))
    order = {group: place for place, group in enumerate(sorted(best, key=lambda group: best[group]))}
    shown = sorted(clear or found, key=lambda fit: order[fit.answer.group])
    return _cut([fit.answer for fit in shown], most)


def _cut(answers: list[Answer], most: int) -> list[Answer]:
    """At most so many: the fullest group gives way first, so that none falls away whole while another is long."""
    while len(answers) > most:
        sizes: dict[str, int] = {}
        for answer in answers:
            sizes[answer.group] = sizes.get(answer.group, 0) + 1
        fullest = max(reversed(sizes), key=lambda group: sizes[group])
        last = max(place for place, answer in enumerate(answers) if answer.group == fullest)
        answers = answers[:last] + answers[last + 1 :]
    return answers


def grouped(answers: Iterable[Answer]) -> list[tuple[str, list[Answer]]]:
    """Answers as a page shows them: each group's name with its answers."""
    return [(name, list(some)) for name, some in groupby(answers, key=lambda answer: answer.group)]


def _skills(query: str) -> Iterator[Fit]:
    for one in find(query, EACH):
        url = one.skill.page or one.service.home
        if url:
            fit = BEGUN if one.likeness >= 1 else MEANT if one.likeness >= LIKE else LIKELY
            yield Fit(fit, _done(one.service, one.skill))


def _done(service: Service, skill: Skill) -> Answer:
    return Answer(
        group=_("What you can do"),
        kind=_("Do it here"),
        name=str(skill.name),
        detail=str(service.name),
        area="",
        icon="check",
        url=skill.page or service.home,
    )


def examples(most: int = 6) -> list[tuple[str, str]]:
    """What may be asked for, in a reader's words, and where it leads: shown while nothing is asked."""
    said = [
        (str(text), skill.page or service.home)
        for service, skill in declared(Skill)
        if skill.page or service.home
        for text in skill.examples[:2]
    ]
    return said[:most]


def _services(query: str) -> Iterator[Fit]:
    for service in settings.SERVICES:
        fit = _fit(query, _service_texts(service)) if service.home else None
        if fit is not None:
            yield Fit(
                fit,
                Answer(
                    group=_("Services"),
                    kind=_("Service"),
                    name=str(service.name),
                    detail=str(service.summary),
                    area="",
                    icon=service.icon,
                    url=service.home,
                ),
            )


def _pages(query: str) -> Iterator[Fit]:
    for _service, page in declared(Page):
        fit = _fit(query, _page_texts(page))
        if fit is not None:
            yield Fit(
                fit,
                Answer(
                    group=_("Pages"),
                    kind=_("Page"),
                    name=str(page.name),
                    detail=str(page.about),
                    area="",
                    icon=page.icon,
                    url=page.url,
                ),
            )


def _findables(query: str) -> Iterator[list[Fit]]:
    asked = fold(query)
    for _service, item in declared(Findable):
        fits = []
        for name, kind, detail, url, icon in resolve(item.source)(query, EACH):
            folded = fold(name)
            fit = SURE if folded == asked else BEGUN if folded.startswith(asked) else MEANT
            fits.append(Fit(fit, Answer(str(item.name), kind, name, detail, "", icon, url)))
        yield fits


def _places(query: str, near: tuple[float, float] | None, most: int) -> list[Fit]:
    asked = fold(query)
    fits = []
    for match in geocoder.matches(query, near=near, limit=most):
        answer = place_answer(match.place)
        folded = fold(answer.name)
        sure = SURE if folded == asked else BEGUN if folded.startswith(asked) else MEANT
        fits.append(Fit(sure if match.sure else LIKELY, answer))
    return fits


def place_answer(place: PlaceName) -> Answer:
    """A place as an answer: to its service's page of it, or to the shell's page of places."""
    name = geocoder.label(place)
    street = place.kind == "street"
    return Answer(
        group=_("Streets") if street else _("Places"),
        kind=kinds.kind_name(place.kind),
        name=name,
        detail=place.detail,
        area=area_of(place),
        icon=kinds.kind_icon(place.kind),
        url=_page_of(place) or place_url(name, place.kind, place.point.lon, place.point.lat),
        lon=round(place.point.lon, 6),
        lat=round(place.point.lat, 6),
    )


def place_url(name: str, kind: str, lon: float, lat: float) -> str:
    """The address of the shell's page of a place."""
    return "/place/?" + urlencode({"lon": f"{lon:.6f}", "lat": f"{lat:.6f}", "name": name, "kind": kind})


def _page_of(place: PlaceName) -> str:
    for _service, item in declared(Place):
        if item.kind == place.kind and item.page:
            return str(resolve(item.page)(place))
    return ""


@dataclass(frozen=True, slots=True)
class Texts:
    """What something is found by, folded, in every language: its names, and all of its words."""

    names: frozenset[str]
    words: str
    pieces: tuple[frozenset[str], ...]


def _fit(query: str, texts: Texts) -> int | None:
    """How well texts fit what was typed, None where they do not."""
    asked = fold(query)
    words = kinds.bare(asked.split())
    if asked in texts.names:
        return SURE
    if any(name.startswith(asked) for name in texts.names):
        return BEGUN
    if all(f" {word}" in texts.words for word in words):
        return MEANT
    pieces = set(trigrams(" ".join(words)))
    if len(pieces) > 2 and any(len(pieces & some) >= LIKE * len(pieces) for some in texts.pieces):
        return LIKELY
    return None


def _service_texts(service: Service) -> Texts:
    more = (service.summary, *(skill.name for skill in service.of(Skill)))
    return _kept(f"service {service.slug}", (service.name,), more)


def _page_texts(page: Page) -> Texts:
    return _kept(page.url, (page.name,), (page.about, *page.words))


_KNOWN: dict[tuple[str, ...], Texts] = {}
"""The texts of services and pages by what they are and the languages: manifests do not change while a process lives."""


def _kept(of: str, names: tuple[Text, ...], more: tuple[Text, ...]) -> Texts:
    languages = tuple(code for code, _name in settings.LANGUAGES)
    key = (of, *languages)
    if key not in _KNOWN:
        _KNOWN[key] = _texts(languages, names, more)
    return _KNOWN[key]


def _texts(languages: tuple[str, ...], names: tuple[Text, ...], more: tuple[Text, ...]) -> Texts:
    called, every = set(), []
    for code in languages:
        with translation.override(code):
            called |= {fold(str(name)) for name in names}
            every += [fold(part) for text in more for part in str(text).split(",")]
    texts = [*called, *every]
    return Texts(frozenset(called), f" {' '.join(texts)}", tuple(frozenset(trigrams(text)) for text in texts))
