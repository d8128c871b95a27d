"""Pages of figures: intervals and patterns for officers, and what everybody may know."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from cityhall.kernel import values
from cityhall.kernel.errors import Missing
from cityhall.kernel.people.actors import actor_of
from cityhall.kernel.people.permissions import require
from cityhall.services.safety import exports, intervals, patterns, releases
from cityhall.services.safety.models import Release

SEE = "safety.see_figures"
TABLE_HEAD = ("year", "line", "stop", "from_hour", "to_hour", "count")


def period(request: HttpRequest) -> tuple[date, date]:
    """The days that are asked for, both included; the last 365 where none are."""
    given = request.POST if request.method == "POST" else request.GET
    today = timezone.now().astimezone(settings.CITY.zone).date()
    last = min(values.day(given.get("last", "")) or today, today)
    first = values.day(given.get("first", "")) or last - timedelta(days=364)
    return min(first, last), last


@never_cache
@require_safe
def figures(request: HttpRequest) -> HttpResponse:
    """How long alerts took, and where harassment is reported: exact, for officers."""
    actor = actor_of(request)
    require(actor, SEE)
    first, last = period(request)
    exports.looked(actor, "figures", first, last)
    alerts, found = intervals.alerts(first, last), patterns.reports(first, last)
    context = {
        "first": first,
        "last": last,
        "groups": (
            (_("By kind"), intervals.by_kind(alerts)),
            (_("By button"), intervals.by_button(alerts)),
            (_("By area"), intervals.by_area(alerts)),
        ),
        "reports": len(found),
        "lines": patterns.by_line(found)[:20],
        "stops": patterns.by_stop(found)[:20],
        "hours": [(hour, count) for hour, count in enumerate(patterns.by_hour(found)) if count],
    }
    return render(request, "safety/figures.html", context)


@never_cache
@require_POST
def export(request: HttpRequest, what: str) -> HttpResponse:
    """A table to take along, with whose copy it is in every line. Raises Denied, Missing."""
    actor = actor_of(request)
    require(actor, SEE)
    first, last = period(request)
    if what == "patterns":
        found = patterns.reports(first, last)
        head: Sequence[str] = ("day", "hour", "line", "stop")
        rows: list[list[Any]] = [[one.at.date(), one.hour, one.line_name, one.stop_name] for one in found]
    elif what == "intervals":
        head, rows = _intervals(first, last)
    else:
        raise Missing(_("There is no such table."), code="no_such_table")
    text = exports.watermarked(actor, what, head, rows)
    return _csv(text, f"{what}-{first}-{last}")


def _intervals(first: date, last: date) -> tuple[Sequence[str], list[list[Any]]]:
    measures = ("answer", "dispatch", "arrival")
    head = (
        "by",
        "name",
        "count",
        *(f"{one}_{what}_s" for one in measures for what in ("median", "p90")),
        "false_share",
    )
    alerts = intervals.alerts(first, last)
    tables = {
        "kind": intervals.by_kind(alerts),
        "button": intervals.by_button(alerts),
        "area": intervals.by_area(alerts),
    }
    rows: list[list[Any]] = []
    for by, groups in tables.items():
        for group in groups:
            measured = [getattr(group, one) for one in measures]
            cells = [value for span in measured for value in (span.median, span.p90)]
            rows.append([by, group.name, group.count, *cells, group.false_share])
    return head, rows


def _csv(text: str, name: str) -> HttpResponse:
    answer = HttpResponse(text, content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return answer


@require_safe
def public(request: HttpRequest) -> HttpResponse:
    """What everybody may know, year by year."""
    years = list(Release.objects.values_list("year", flat=True))
    wanted = values.whole(request.GET.get("year", ""), 9999)
    shown = Release.objects.filter(year=wanted or (years[0] if years else 0)).first()
    return render(request, "safety/open.html", {"years": years, "release": shown, "least": releases.LEAST})


@require_safe
def public_json(request: HttpRequest) -> HttpResponse:
    """Every year's public figures, the latest first."""
    found = [one.body | {"published_at": one.made_at.isoformat()} for one in Release.objects.all()]
    return JsonResponse({"least": releases.LEAST, "years": found})


@require_safe
def public_csv(request: HttpRequest) -> HttpResponse:
    """The same counts as one table; "" stands for all lines, stops or hours."""
    answer = _csv("", "harassment")
    answer.write(values.BOM)
    table = csv.writer(answer)
    table.writerow(TABLE_HEAD)
    for one in Release.objects.all():
        table.writerows([values.cell(cell) for cell in row] for row in releases.rows(one.body))
    return answer
