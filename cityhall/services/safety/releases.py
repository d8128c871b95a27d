"""What everybody may know of a year's harassment: counts of five and more, held back so that none under it shows.

A year is published once, when it is over (see `engines/disclosure` for why, and for what is promised).
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from cityhall.kernel.journal import append
from cityhall.kernel.people.actors import system
from cityhall.kernel.ports.asking import ask
from cityhall.kernel.ports.lines import LineStops
from cityhall.services.safety import intervals, patterns
from cityhall.services.safety.models import Alert, Release

LEAST = 5
BAND_H = 4
"""Hours in a part of the day."""
AFTER_DAYS = 7
"""So long after a year is over its alerts are looked at again, and then published."""


def make_due(now: datetime | None = None) -> bool:
    """Publishes last year's figures where that has not been done (a Task); gives whether it did."""
    today = (now or timezone.now()).astimezone(settings.CITY.zone).date()
    if today < date(today.year, 1, 1 + AFTER_DAYS):
        return False
    year = today.year - 1
    if Release.objects.filter(year=year).exists() or not _any(year):
        return False
    return make(year) is not None


def _any(year: int) -> bool:
    """Whether anybody called for help at all then: of a year without harassment it is not said that there was none."""
    begin, end = patterns.midnight(date(year, 1, 1)), patterns.midnight(date(year + 1, 1, 1))
    return Alert.objects.filter(received_at__gte=begin, received_at__lt=end, exercise=False).exists()


def make(year: int) -> Release | None:
    """Publishes a year's figures, once; None where that was done before. They are not made anew, ever."""
    body = body_of(year)
    with transaction.atomic():
        release, made = Release.objects.get_or_create(year=year, defaults={"made_at": timezone.now(), "body": body})
        if not made:
            return None
        append("safety", "figures.published", {"year": year}, subject=f"release:{year}", actor=str(system("safety")))
    return release


def body_of(year: int) -> dict[str, Any]:
    """A year's figures as they are published: cells that are held back are not in them."""
    # Heavy, and once a year: it is loaded then.
    from cityhall.engines.disclosure import published, tables_of

    first, last = date(year, 1, 1), date(year, 12, 31)
    found = patterns.reports(first, last)
    port = ask(LineStops)
    served = port() if port else []
    names = {("line", one.line): one.line_name for one in served} | {
        ("stop", one.stop): one.stop_name for one in served
    }
    names |= {("line", one.line): one.line_name for one in found} | {("stop", one.stop): one.stop_name for one in found}
    # Everybody has the timetable. Where somebody was on a line at no known stop, or on none, anybody may suppose.
    pairs = {(one.line, one.stop) for one in served} | {(one.line, "") for one in served} | {("", "")}
    tables = tables_of([(one.line, one.stop, one.hour // BAND_H) for one in found], pairs, 24 // BAND_H)
    may = published(tables, LEAST)
    shown: dict[str, list[dict[str, Any]]] = {"all": [], "line": [], "stop": [], "band": [], "line band": []}
    for key, count, known in zip(tables.keys, tables.counts.tolist(), may.tolist(), strict=True):
        if known:
            shown[str(key[0])].append(_row(key, count, names))
    return {
        "year": year,
        "least": LEAST,
        "total": shown["all"][0]["count"] if shown["all"] else None,
        "lines": shown["line"],
        "stops": shown["stop"],
        "hours": shown["band"],
        "lines_hours": shown["line band"],
        "intervals": intervals.public(first, last),
    }


def _row(key: tuple[Any, ...], count: int, names: dict[tuple[str, str], str]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for kind, value in zip(str(key[0]).split(), key[1:], strict=key[0] != "all"):
        if kind == "band":
            made |= {"from_hour": value * BAND_H, "to_hour": (value + 1) * BAND_H}
        else:
            made |= {kind: value, f"{kind}_name": names.get((kind, value), "")}
    return made | {"count": count}


def rows(body: dict[str, Any]) -> list[list[Any]]:
    """A year's figures as one table: year, line, stop, from hour, to hour, count; "" stands for all."""
    tables = [body["lines"], body["stops"], body["hours"], body["lines_hours"]]
    made = [[body["year"], "", "", "", "", body["total"]]] if body["total"] is not None else []
    return made + [
        [
            body["year"],
            one.get("line_name", ""),
            one.get("stop_name", ""),
            one.get("from_hour", ""),
            one.get("to_hour", ""),
            one["count"],
        ]
        for table in tables
        for one in table
    ]
