"""Finding a place by what a resident types, and the name of where a finger points.

Names are matched word by word from their start ("av ipi" finds "Avenida Ipiranga"), with three-letter pieces where
that finds too little, so that a slip of the finger is forgiven.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction
from django.utils.translation import get_language

from cityhall.kernel.places.cells import cell_of
from cityhall.kernel.places.folding import fold, trigrams
from cityhall.kernel.places.models import PlaceName
from cityhall.kernel.places.point import Point, metres_between, nearest

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


def search(query: str, *, near: tuple[float, float] | None = None, limit: int = 8) -> list[PlaceName]:
    """Places whose names begin like the words of `query`, best first; a coordinate "lat, lon" is a place too."""
    point = _coordinates(query)
    if point:
        return [here(*point)]
    folded = fold(query)[:100]
    if not folded:
        return []
    found = _by_words(folded.split())
    if len(found) < limit:
        known = {place.pk for place in found}
        found += [place for place in _by_likeness(folded) if place.pk not in known]
    found.sort(key=lambda place: _rank(place, folded, near))
    return found[:limit]


def _coordinates(query: str) -> tuple[float, float] | None:
    match = COORDINATES.fullmatch(query)
    if not match:
        return None
    lat, lon = float(match[1]), float(match[2])
    return (lon, lat) if abs(lat) <= 90 and abs(lon) <= 180 else None


def _by_words(words: list[str]) -> list[PlaceName]:
    """Every typed word begins a word of the name. Whole trigrams narrow it down through the index first."""
    pieces = [piece for word in words for piece in trigrams(word) if len(piece) == 3]
    rows = PlaceName.objects.all()
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
    return sorted(PlaceName.objects.filter(pk__in=order), key=lambda place: order[place.pk])


def _rank(place: PlaceName, folded: str, near: tuple[float, float] | None) -> tuple[float, ...]:
    words = folded.split()
    missing = sum(f" {word}" not in place.text for word in words)
    whole = fold(place.name)
    quality = 0 if whole == folded else 1 if whole.startswith(folded) else 2
    far = metres_between(near, place.point) / 1000 if near else 0.0
    return (missing, quality, min(far, 20.0) - place.weight / 10, len(whole))


def here(lon: float, lat: float, *, within_m: float = 150) -> PlaceName:
    """The name of where a finger points: the nearest named place, or the bare coordinates (an unsaved row)."""
    # Not the columns that only the search needs: they are most of a row.
    named = PlaceName.objects.only("name", "names", "kind", "point")
    close = nearest(named, lon, lat, count=1, within_m=within_m)
    name = close[0][0].name if close else f"{lat:.5f}, {lon:.5f}"
    kind = close[0][0].kind if close else "point"
    return PlaceName(name=name, kind=kind, point=Point(lon, lat), names=close[0][0].names if close else {})


def label(place: PlaceName) -> str:
    """The place's name in the reader's language, where it has one."""
    names: dict[str, Any] = place.names or {}
    return str(names.get(get_language() or "", place.name))
