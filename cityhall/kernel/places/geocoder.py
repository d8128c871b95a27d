"""Finding a place by what a resident types, and the name of where a finger points.

Names are matched word by word from their start ("av ipi" finds "Avenida Ipiranga"), with three-letter pieces where
that finds too little, so that a slip of the finger is forgiven. A kind of place ("병원", "farmacia") finds those of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils.translation import get_language

from cityhall.kernel.places import kinds
from cityhall.kernel.places.cells import cell_of
from cityhall.kernel.places.folding import fold, trigrams
from cityhall.kernel.places.models import PlaceName
from cityhall.kernel.places.point import DistanceTo, Point, metres_between, nearest

CANDIDATES = 200
LIKENESS = 0.45
COORDINATES = re.compile(r"\s*(-?\d{1,2}(?:\.\d+)?)\s*[,; ]\s*(-?\d{1,3}(?:\.\d+)?)\s*")


@dataclass(frozen=True, slots=True)
class Named:
    """What a source of names tells of one place. `weight` 0 to 100 lifts what many look for."""

    name: str
    kind: str
    lon: float
    lat: float
    detail: str = ""
    reference: str = ""
    weight: int = 0
    names: dict[str, str] = field(default_factory=dict)


def replace_names(source: str, places: Iterable[Named]) -> int:
    """Puts `places` in the place of all names of one source, in one transaction. Returns how many there are now."""
    rows = [_row(source, place) for place in places]
    with transaction.atomic():
        PlaceName.objects.filter(source=source).delete()
        PlaceName.objects.bulk_create(rows, batch_size=2000)
    return len(rows)


def _row(source: str, place: Named) -> PlaceName:
    folded = fold(" ".join({place.name: None, **dict.fromkeys(place.names.values()), place.reference: None}))
    words = sorted({word[:100] for word in folded.split()})
    return PlaceName(
        source=source,
        reference=place.reference[:200],
        kind=place.kind,
        name=place.name[:300],
        detail=place.detail[:300],
        names=place.names,
        point=Point(place.lon, place.lat),
        weight=place.weight,
        words=words,
        text=f" {folded}",
        trigrams=trigrams(folded),
        cell=cell_of(place.lon, place.lat),
    )


class Match(NamedTuple):
    """A place that was found. `sure`: every word begins one of its name, or it is of the kind that was asked for."""

    place: PlaceName
    sure: bool


def search(query: str, *, near: tuple[float, float] | None = None, limit: int = 8) -> list[PlaceName]:
    """Places whose names begin like the words of `query`, or of a kind it asks for, best first.

    A coordinate "lat, lon" is a place too.
    """
    return [match.place for match in matches(query, near=near, limit=limit)]


def matches(query: str, *, near: tuple[float, float] | None = None, limit: int = 8) -> list[Match]:
    """What `search` finds, each with how sure it is."""
    point = _coordinates(query)
    if point:
        return [Match(here(*point), sure=True)]
    folded = fold(query)[:100]
    if not folded:
        return []
    found = {place.pk: place for place in _by_words(folded.split())}
    named = set(found)
    wanted = kinds.asked(query)
    if wanted and (wanted.sure or not found):
        rows, near = _by_kind(wanted, near)
        found |= {place.pk: place for place in rows}
        named |= {place.pk for place in rows}
    else:
        wanted = None
    if len(found) < limit:
        found |= {place.pk: place for place in _by_likeness(folded) if place.pk not in found}
    ranked = sorted(found.values(), key=lambda place: _rank(place, folded, wanted, near))
    return [Match(place, place.pk in named) for place in ranked[:limit]]


def _coordinates(query: str) -> tuple[float, float] | None:
    match = COORDINATES.fullmatch(query)
    if not match:
        return None
    lat, lon = float(match[1]), float(match[2])
    return (lon, lat) if abs(lat) <= 90 and abs(lon) <= 180 else None


def _light() -> QuerySet[PlaceName]:
    """Names without the columns that only the index needs: reading them takes longer than finding the rows."""
    return PlaceName.objects.defer("words", "trigrams")


def _by_words(words: list[str]) -> list[PlaceName]:
    """Every typed word begins a word of the name. Whole trigrams narrow it down through the index first."""
    pieces = [piece for word in words for piece in trigrams(word) if len(piece) == 3]
    rows = _light()
    if pieces:
        rows = rows.filter(trigrams__contains=pieces)
    for word in words:
        rows = rows.filter(text__contains=f" {word}")
    return list(rows.order_by("-weight", "name")[:CANDIDATES])


def _by_likeness(folded: str) -> list[PlaceName]:
    """Names that share enough three-letter pieces with what was typed."""
    pieces = trigrams(folded)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT id FROM (
                SELECT id, cardinality(ARRAY(SELECT unnest(trigrams) INTERSECT SELECT unnest(%s::text[]))) AS same
                FROM places_placename WHERE trigrams && %s::varchar[]
            ) AS alike WHERE same >= %s ORDER BY same DESC, id LIMIT %s
            """,
            [pieces, pieces, max(2, round(LIKENESS * len(pieces))), CANDIDATES // 4],
        )
        order = {row[0]: place for place, row in enumerate(cursor.fetchall())}
    return sorted(_light().filter(pk__in=order), key=lambda place: order[place.pk])


def _by_kind(
    wanted: kinds.Asked, near: tuple[float, float] | None
) -> tuple[list[PlaceName], tuple[float, float] | None]:
    """Places of the wanted kinds, and what they are to be near to.

    What is said beside the kind is part of the name ("hospital central"), or else where to look ("farmacia centro").
    """
    rows = _light().filter(kind__in=wanted.tags)
    if wanted.rest:
        named = rows
        for word in wanted.rest:
            named = named.filter(text__contains=f" {word}")
        found = list(named.order_by("-weight", "name")[:CANDIDATES])
        anchors = _by_words(list(wanted.rest)) if not found else []
        if found or not anchors:
            return found, near
        near = (anchors[0].point.lon, anchors[0].point.lat)
    order = [DistanceTo("point", *near)] if near else ["-weight", "name"]
    return list(rows.order_by(*order)[: CANDIDATES // 4]), near


def _rank(
    place: PlaceName, folded: str, wanted: kinds.Asked | None, near: tuple[float, float] | None
) -> tuple[float, ...]:
    words = folded.split()
    of_kind = wanted is not None and place.kind in wanted.tags
    missing = 0 if of_kind else sum(f" {word}" not in place.text for word in words)
    whole = fold(place.name)
    quality = 0 if whole == folded else 1 if of_kind or whole.startswith(folded) else 2
    far = metres_between(near, place.point) / 1000 if near else 0.0
    return (missing, quality, min(far, 20.0) - place.weight / 10, len(whole))


def around(lon: float, lat: float, *, within_m: float, most: int = 50) -> list[PlaceName]:
    """The named places round a position, nearest first."""
    # Not the columns that only the search needs: they are most of a row.
    named = PlaceName.objects.only("name", "names", "kind", "point")
    return [place for place, _metres in nearest(named, lon, lat, count=most, within_m=within_m)]


def here(lon: float, lat: float, *, within_m: float = 150) -> PlaceName:
    """The name of where a finger points: the nearest named place, or the bare coordinates (an unsaved row)."""
    close = next(iter(around(lon, lat, within_m=within_m, most=1)), None)
    if close is None:
        return PlaceName(name=f"{lat:.5f}, {lon:.5f}", kind="point", point=Point(lon, lat))
    return PlaceName(name=close.name, kind=close.kind, point=Point(lon, lat), names=close.names)


def label(place: PlaceName) -> str:
    """The place's name in the reader's language, where it has one."""
    names: dict[str, Any] = place.names or {}
    return str(names.get(get_language() or "", place.name))
