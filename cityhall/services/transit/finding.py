"""What the city's one search finds here: lines, and the page of a stop."""

from __future__ import annotations

from urllib.parse import quote

from django.utils.translation import gettext as _

from cityhall.kernel.places.folding import fold
from cityhall.kernel.places.models import PlaceName
from cityhall.kernel.places.point import nearest
from cityhall.services.transit.models import FeedVersion, Line, Stop
from cityhall.web.declares import Found

SAME_M = 5
"""A stop this near under the same name is the one whose name was found."""
ICONS = frozenset({"bus", "tram", "train", "subway", "ferry", "cable", "funicular"})


def lines(words: str, most: int) -> list[Found]:
    """Lines by number or name, those whose number it is first: "12", "line 12", "airport"."""
    asked = fold(words).split()
    # People say "line 12" and "bus 12": what is before a number is no part of it.
    numbers = asked[1:] if len(asked) == 2 and asked[0] in _called() else asked
    ranked = []
    for line in Line.objects.filter(version__state=FeedVersion.State.IN_SERVICE):
        short, text = fold(line.short_name), f" {fold(f'{line.short_name} {line.long_name}')}"
        if short == " ".join(numbers):
            ranked.append((0, line.row, line))
        elif asked and all(f" {word}" in text for word in asked):
            ranked.append((1, line.row, line))
    return [_found(line) for _rank, _row, line in sorted(ranked, key=lambda one: one[:2])[:most]]


def _called() -> frozenset[str]:
    return frozenset(fold("line bus route linea línea autobús colectivo linha ônibus 노선 버스").split())


def _found(line: Line) -> Found:
    return Found(
        name=line.short_name,
        kind=_("Line"),
        detail=line.long_name,
        url=f"/transit/lines/{quote(line.gtfs_id, safe='')}/",
        icon=line.mode if line.mode in ICONS else "bus",
    )


def stop_page(place: PlaceName) -> str:
    """The address of the stop whose name was found, "" where the timetable has it no more."""
    same = Stop.objects.filter(version__state=FeedVersion.State.IN_SERVICE, name=place.name)
    found = nearest(same, place.point.lon, place.point.lat, count=1, within_m=SAME_M)
    return f"/transit/stops/{quote(found[0][0].gtfs_id, safe='')}/" if found else ""
