"""Residents as sensors: reports that come together in place and time raise one incident.

Clusters are found by DBSCAN (Ester et al., KDD 1996) over metres and minutes at once: two reports are neighbours
where they are of one category, within its reach and within the window. What counts as a cluster's weight is its
independent reporters: many reports from one source weigh as one.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta

import numpy as np
from django.db import transaction
from django.utils import timezone

from cityhall.kernel.journal import append
from cityhall.kernel.places.point import EARTH_RADIUS_M, Point, metres_between
from cityhall.services.reports.models import Category, Incident, Report, Supporter

WINDOW = timedelta(hours=3)
"""How far apart in time two reports may be to tell of one event."""
REACH = 2.0
"""Times the category's own reach that two reports of one event may lie apart."""
LEAST_REPORTERS = 4
MOST = 5000
QUIET = timedelta(hours=6)
"""An incident ends when nothing of it was reported for so long."""


def severity(reporters: int) -> int:
    """1 to 5 from independent reporters: one step for each doubling from LEAST_REPORTERS on."""
    return max(1, min(5, 1 + int(math.log2(max(1, reporters) / LEAST_REPORTERS))))


def sense(now: datetime | None = None) -> list[Incident]:
    """Looks at the last hours' reports; gives the incidents that began or grew. Ends those that went quiet."""
    now = now or timezone.now()
    touched = []
    recent = Report.objects.filter(filed_at__gt=now - 2 * WINDOW, filed_at__lte=now).exclude(via=Report.Via.IMPORT)
    for category_id in recent.order_by().values_list("category_id", flat=True).distinct():
        category = Category.objects.get(pk=category_id)
        reports = list(recent.filter(category_id=category_id).order_by("-filed_at")[:MOST])
        for cluster in clusters(reports, category):
            with transaction.atomic():
                incident = _raise(cluster, category)
            if incident is not None:
                touched.append(incident)
    for quiet in Incident.objects.filter(ended_at=None, last_at__lt=now - QUIET):
        with transaction.atomic():
            quiet.ended_at = now
            quiet.save(update_fields=["ended_at"])
            append("reports", "incident.ended", {"incident": quiet.pk}, subject=f"incident:{quiet.pk}")
    return touched


def clusters(reports: list[Report], category: Category) -> list[list[Report]]:
    """The reports of each cluster that has enough independent reporters."""
    if len(reports) < LEAST_REPORTERS:
        return []
    lat = math.radians(reports[0].point.lat)
    reach, window = REACH * category.near_m, WINDOW.total_seconds()
    # One unit is the reach in space and the window in time, so that one radius serves both.
    rows = np.array(
        [
            (
                math.radians(report.point.lon) * math.cos(lat) * EARTH_RADIUS_M / reach,
                math.radians(report.point.lat) * EARTH_RADIUS_M / reach,
                report.filed_at.timestamp() / window,
            )
            for report in reports
        ]
    )
    from sklearn.cluster import DBSCAN

    labels = DBSCAN(eps=1.0, min_samples=2, metric="chebyshev").fit_predict(rows)
    found: list[list[Report]] = []
    for label in range(int(labels.max(initial=-1)) + 1):
        members = [report for report, one in zip(reports, labels, strict=True) if one == label]
        if len(sources(members)) >= LEAST_REPORTERS:
            found.append(members)
    return found


def sources(reports: list[Report]) -> set[str]:
    """The independent reporters of some reports, "me too" among them. Reports without a source count as one."""
    own = {report.source for report in reports}
    joined = Supporter.objects.filter(report__in=[report.pk for report in reports]).values_list("source", flat=True)
    return own | set(joined)


def _raise(cluster: list[Report], category: Category) -> Incident | None:
    """Raises an incident of a cluster, or lets the one it belongs to grow; None where nothing is new."""
    known = [report.incident_id for report in cluster if report.incident_id]
    incident = (
        Incident.objects.select_for_update().filter(pk__in=known, ended_at=None).order_by("began_at").first()
        if known
        else None
    )
    fresh = [report for report in cluster if report.incident_id is None]
    if incident is not None and not fresh:
        return None
    everyone = cluster if incident is None else [*incident.reports.all(), *fresh]
    center = Point(
        float(np.median([report.shown.lon for report in everyone])),
        float(np.median([report.shown.lat for report in everyone])),
    )
    reporters = len(sources(everyone))
    made = incident or Incident(category=category, began_at=min(report.filed_at for report in everyone))
    before = made.severity if incident else 0
    made.center, made.reporters, made.severity = center, reporters, severity(reporters)
    made.radius_m = round(max(metres_between(center, report.shown) for report in everyone))
    made.last_at = max(report.filed_at for report in everyone)
    made.save()
    Report.objects.filter(pk__in=[report.pk for report in fresh]).update(incident=made)
    what = "incident.began" if incident is None else "incident.grew"
    data = {"incident": made.pk, "category": category.slug, "reporters": reporters, "severity": made.severity}
    append("reports", what, data | {"reports": len(everyone)}, subject=f"incident:{made.pk}")
    if made.severity > before:
        _tell(made)
    return made


def _tell(incident: Incident) -> None:
    from django.utils.translation import gettext_lazy as _

    from cityhall.kernel.notify.sending import send_to_holders

    agency = incident.category.agency
    if agency is None:
        return
    send_to_holders(
        _("%(category)s: many report it"),
        _("%(reporters)d independent reporters, severity %(severity)d of 5."),
        scope=agency.scope,
        most=20,
        values={
            "category": incident.category.name,
            "reporters": incident.reporters,
            "severity": incident.severity,
        },
        url=f"/reports/incidents/{incident.pk}/",
        key=f"incident-{incident.pk}-{incident.severity}",
    )
