"""The only writers of the service."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from django.db import transaction
from django.utils.translation import gettext as _

from cityhall.engines import groups
from cityhall.engines.gtfs import FeedError, Report, Schedule
from cityhall.kernel import derived
from cityhall.kernel.errors import Invalid
from cityhall.kernel.journal import append
from cityhall.kernel.places.point import Point
from cityhall.services.transit import days, timetables, validity
from cityhall.services.transit.arrivals import learn
from cityhall.services.transit.models import FeedVersion, Line, Stop
from cityhall.services.transit.modes import mode_of
from cityhall.services.transit.tracking.buses import Buses


def load(progress: Callable[[str, float], None]) -> list[validity.Finding]:
    """Reads the city's GTFS feeds. One that is refused is recorded with its report; the former stays in service.

    Gives what is to be told of the one now in service: what was left out, and what of it has ended.
    Raises Invalid with the first error and where the whole report is.
    """
    from cityhall.engines.gtfs import read_feeds

    files = timetables.feed_files()
    if not files:
        return []
    missing = [path.name for path in files if not path.is_file()]
    if missing:
        raise Invalid(
            _("%(files)s is not in the city's folder.") % {"files": ", ".join(missing)},
            mend=_("Put it there, or mend [data] gtfs in city.toml."),
        )
    stamp = derived.digest(files, timetables.VERSION)
    try:
        schedule, report = read_feeds(files, progress=progress)
    except FeedError as refusal:
        _refuse(stamp, [path.name for path in files], refusal.report)
        raise Invalid(
            _("The timetable was refused: %(why)s") % {"why": refusal},
            mend=_("The one before it stays in service."),
            code="feed_refused",
        ) from refusal
    timetables.store(schedule, timetables.stamp_of(files), progress)
    progress("stops and lines", 0.8)
    put_in_service(schedule, report, stamp, [path.name for path in files])
    # A demo's first start does not wait for them: the first question does it then.
    if groups.ready(groups.JOURNEYS):
        progress("today's timetable", 0.9)
        timetables.warm(days.usual_day(days.today()))
        learn.learn()
    if groups.ready(groups.POSITIONING):
        progress("where buses drive", 0.97)
        Buses().warm()
    return list(validity.findings())


def _refuse(stamp: str, files: list[str], report: Report) -> None:
    with transaction.atomic():
        FeedVersion.objects.create(digest=stamp, state=FeedVersion.State.REFUSED, files=files, report=report.to_dict())
        append("transit", "transit.feed.refused", {"digest": stamp, "counts": dict(report.counts)}, subject=stamp)


@transaction.atomic
def put_in_service(schedule: Schedule, report: Report, stamp: str, files: list[str]) -> FeedVersion:
    """Makes a schedule the one in service, in one transaction."""
    FeedVersion.objects.filter(state=FeedVersion.State.IN_SERVICE).update(state=FeedVersion.State.RETIRED)
    Stop.objects.filter(version__state=FeedVersion.State.RETIRED).delete()
    Line.objects.filter(version__state=FeedVersion.State.RETIRED).delete()
    first, last = schedule.valid_days()
    version = FeedVersion.objects.create(
        digest=stamp,
        state=FeedVersion.State.IN_SERVICE,
        files=files,
        report=report.to_dict(),
        first_day=first,
        last_day=last,
    )
    Line.objects.bulk_create(_lines(version, schedule), batch_size=2000)
    Stop.objects.bulk_create(_stops(version, schedule), batch_size=2000)
    append(
        "transit",
        "transit.feed.in_service",
        {
            "digest": stamp,
            "stops": len(schedule.stops),
            "lines": len(schedule.routes),
            "trips": len(schedule.trips),
        },
        subject=stamp,
    )
    return version


def _lines(version: FeedVersion, schedule: Schedule) -> Iterable[Line]:
    routes = schedule.routes
    for row in range(len(routes)):
        yield Line(
            version=version,
            row=row,
            gtfs_id=routes.id[row],
            short_name=(routes.short_name[row] or routes.long_name[row] or routes.id[row])[:100],
            long_name=routes.long_name[row][:300],
            mode=mode_of(int(routes.type[row])),
            color=routes.color[row],
            text_color=routes.text_color[row],
        )


def _stops(version: FeedVersion, schedule: Schedule) -> Iterable[Stop]:
    stops, routes = schedule.stops, schedule.routes
    trip = np.repeat(np.arange(len(schedule.trips)), np.diff(schedule.trips.first))
    pairs = np.unique(np.column_stack([schedule.stop_times.stop, schedule.trips.route[trip]]), axis=0)
    calling: dict[int, list[str]] = {}
    for stop, route in pairs.tolist():
        calling.setdefault(stop, []).append(routes.short_name[route] or routes.long_name[route])
    for row in range(len(stops)):
        if stops.location_type[row] in (0, 1):
            yield Stop(
                version=version,
                row=row,
                gtfs_id=stops.id[row],
                code=stops.code[row][:100],
                name=stops.name[row][:300],
                point=Point(float(stops.lon[row]), float(stops.lat[row])),
                wheelchair=int(stops.wheelchair[row]),
                lines=sorted(set(calling.get(row, []))),
            )
