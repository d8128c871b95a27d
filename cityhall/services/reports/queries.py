"""Reads that more than one door needs. What the public may see goes by `shown` and `public` only."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import F, QuerySet, TextField
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.cases.workflow import OPEN
from cityhall.kernel.errors import Missing
from cityhall.kernel.places.point import nearest
from cityhall.kernel.ports.reported import Reported
from cityhall.services.reports import heat
from cityhall.services.reports.models import Category, Incident, Photo, PublicReport, Report

Bounds = tuple[float, float, float, float]
NEAR = 5
"""So many reports are told of a place to who asks."""
MOST_POINTS = 1000
"""Reports drawn as points; where there are more in view, cells with their counts are."""


def public_reports() -> QuerySet[Report]:
    """What anyone may see."""
    return Report.objects.filter(public=True)


def find_public(report_id: int) -> Report:
    """A public report. Raises Missing, also for one that is not public."""
    found = (
        public_reports().select_related("category__parent", "case__agency").filter(pk=report_id).first()
        if 0 < report_id < 2**63
        else None
    )
    if found is None:
        raise Missing(_("There is no such report."), code="no_such_report")
    return found


def reported_near(place: tuple[float, float], within_m: float) -> list[Reported]:
    """What `ReportedNear` asks: open reports, but none whose place is not told exactly."""
    known = public_reports().filter(state__in=OPEN, category__sensitive=False).select_related("category")
    near = nearest(known, *place, count=NEAR, within_m=within_m)
    return [Reported(report.category.name, report.filed_at, f"/reports/{report.pk}/") for report, _metres in near]


def often_reported(count: int = 5, of: int = 500) -> list[Category]:
    """What people report most, among the latest: so few are counted that a page may ask each time."""
    latest = public_reports().order_by("-filed_at").values_list("category_id", flat=True)[:of]
    most = [pk for pk, _count in Counter(latest).most_common(count)]
    known = Category.objects.filter(active=True, parent__isnull=False).in_bulk(most)
    return [known[pk] for pk in most if pk in known]


def public_text(report: Report) -> str:
    """What the public may read of a report: nothing of a sensitive one."""
    return "" if report.category.sensitive else report.text


def published_photos(report: Report) -> list[Photo]:
    """The photos the public may see."""
    return [photo for photo in report.photos.select_related("published") if photo.published and photo.published.public]


def feature(report: Report) -> dict[str, Any]:
    """A report as the public map draws it."""
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [round(report.shown.lon, 6), round(report.shown.lat, 6)]},
        "properties": {
            "id": report.pk,
            "name": report.category.name,
            "category": report.category.slug,
            "color": report.category.color,
            "state": str(report.state),
            "at": report.filed_at.isoformat(),
            "supporters": report.supporters_count,
            "url": f"/reports/{report.pk}/",
        },
    }


def reports_geojson(bounds: Bounds | None) -> dict[str, Any]:
    """Open public reports in a box, the latest first, at most MOST_POINTS."""
    reports = public_reports().filter(state__in=OPEN).select_related("category")
    if bounds is not None:
        reports = reports.filter(shown__inside=bounds)
    found = reports.order_by("-filed_at")[:MOST_POINTS]
    return {"type": "FeatureCollection", "features": [feature(report) for report in found]}


def public_rows() -> QuerySet[PublicReport]:
    """Open public reports as rows, for tiles and downloads of any number; named in the city's own language."""
    name = Coalesce(KeyTextTransform(settings.LANGUAGE_CODE[:2], "names"), F("category"), output_field=TextField())
    return PublicReport.objects.filter(state__in=OPEN).annotate(name=name)


def heat_layer(bounds: Bounds | None) -> dict[str, Any]:
    """Where how many open reports are, by H3 cell."""
    return heat.heat_geojson(heat.FINE if bounds else heat.SENSITIVE, bounds)


def incidents_geojson(bounds: Bounds | None) -> dict[str, Any]:
    """Incidents that go on, as points with their severity."""
    going_on = Incident.objects.filter(ended_at=None).select_related("category")
    if bounds is not None:
        going_on = going_on.filter(center__inside=bounds)
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": list(incident.center)},
                "properties": {
                    "id": incident.pk,
                    "name": incident.category.name,
                    "severity": incident.severity,
                    "reporters": incident.reporters,
                    "at": incident.began_at.isoformat(),
                    "url": reverse("reports_incident", args=[incident.pk]),
                },
            }
            for incident in going_on
        ],
    }


def map_view(bounds: Bounds, zoom: float, category_ids: list[int] | None = None) -> dict[str, Any]:
    """What a map shows of any box: its open reports as points where they are few, else cells with their counts.

    How many there are is told by the roll-up, so a box over a million reports costs no more than one over a few.
    """
    resolution = heat.resolution_at(zoom)
    if resolution >= heat.FINE:
        points = _points(bounds, category_ids)
        if points is not None:
            return {"kind": "points", "type": "FeatureCollection", "features": points}
    hexagons = heat.heat_geojson(resolution, bounds, category_ids=category_ids)
    if sum(one["properties"]["count"] for one in hexagons["features"]) <= MOST_POINTS // 2:
        points = _points(bounds, category_ids)
        if points is not None:
            return {"kind": "points", "type": "FeatureCollection", "features": points}
    return {"kind": "cells", "resolution": resolution, **hexagons}


_IN_BOX = """
SELECT r.case_id, r.shown[0], r.shown[1], r.category_id, r.state, r.supporters_count
FROM reports_report r WHERE r.public AND r.shown <@ box(point(%s, %s), point(%s, %s))
  AND r.state IN ('new', 'accepted', 'working', 'waiting'){more}
LIMIT %s
"""


def _points(bounds: Bounds, category_ids: list[int] | None) -> list[dict[str, Any]] | None:
    """The open reports of a box as small features; None where they are more than MOST_POINTS."""
    from cityhall.services.reports.models import Category

    values: list[Any] = [*bounds]
    more = ""
    if category_ids:
        more = " AND r.category_id = ANY(%s)"
        values.append(category_ids)
    with connection.cursor() as cursor:
        cursor.execute(_IN_BOX.format(more=more), [*values, MOST_POINTS + 1])
        rows = cursor.fetchall()
    if len(rows) > MOST_POINTS:
        return None
    known = {category.pk: category for category in Category.objects.all()}
    return [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [lon, lat]},
            "properties": {
                "id": pk,
                "name": known[category].name,
                "color": known[category].color,
                "state": state,
                "supporters": supporters,
                "url": f"/reports/{pk}/",
            },
        }
        for pk, lon, lat, category, state, supporters in rows
    ]


def open_reports() -> float:
    """How many reports are open, by the roll-up."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(sum(count), 0) FROM reports_cellcount WHERE open")
        return float(cursor.fetchone()[0])


def filed_today() -> float:
    """Reports of the last 24 hours."""
    return float(Report.objects.filter(filed_at__gte=timezone.now() - timedelta(days=1)).count())


def on_time_share() -> float:
    """Per cent of the reports done in the last 30 days that were done in time; 0 where there were none."""
    from cityhall.kernel.cases.queries import ranking

    now = timezone.now()
    standings = ranking("reports", now - timedelta(days=30), now)
    done = sum(one.done for one in standings)
    return 100.0 * sum(one.in_time for one in standings) / done if done else 0.0
