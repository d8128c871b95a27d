"""The alert of a cancellation or a detour, worded in every language of the city."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from django.conf import settings
from django.utils import formats, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cityhall.services.transit import timetables
from cityhall.services.transit.days import clock
from cityhall.services.transit.models import (
    Cancellation,
    Cause,
    Detour,
    Effect,
    FeedVersion,
    Line,
    Notice,
    Severity,
    Stop,
)
from cityhall.services.transit.realtime.selection import cancelled_trips

MOST_NAMES = 6


def in_languages(write: Callable[[], str]) -> dict[str, str]:
    """{language: what `write` says in it} for the city's languages."""
    said = {}
    for code, _name in settings.LANGUAGES:
        with translation.override(code):
            said[code] = write()
    return said


def period_values(periods: Sequence[tuple[datetime | None, datetime | None]]) -> dict[str, Any]:
    """`periods` and its bounds, as ServiceAlert keeps them."""
    starts, ends = [start for start, _end in periods], [end for _start, end in periods]
    return {
        "periods": [[start and start.isoformat(), end and end.isoformat()] for start, end in periods],
        "starts_at": min((start for start in starts if start), default=None) if all(starts) else None,
        "ends_at": max((end for end in ends if end), default=None) if all(ends) else None,
    }


def alert_of(notice: Cancellation | Detour | Notice) -> dict[str, Any]:
    """Fields of the alert that goes with a notice, its state among them."""
    made = _of_cancellation(notice) if isinstance(notice, Cancellation) else _of_detour(notice)  # type: ignore[arg-type]
    return made | {"cause": notice.cause, "state": notice.state}


def _of_cancellation(notice: Cancellation) -> dict[str, Any]:
    schedule = timetables.service().schedule
    rows = cancelled_trips(notice)
    first, last = np.asarray(schedule.trips.first)[rows], np.asarray(schedule.trips.first)[rows + 1] - 1
    begins = clock(notice.service_day, int(np.asarray(schedule.stop_times.departure)[first].min(initial=86_400)))
    ends = clock(notice.service_day, int(np.asarray(schedule.stop_times.arrival)[last].max(initial=0)))
    name = line_name(notice.route)
    if notice.trip:
        sign = schedule.trips.headsign[int(rows[0])] if rows.size else ""
        values = {"line": name, "time": f"{begins:%H:%M}", "to": sign}

        def header() -> str:
            if sign:
                return _("Line %(line)s: the %(time)s to %(to)s does not run") % values
            return _("Line %(line)s: the %(time)s trip does not run") % values
    else:

        def header() -> str:
            return _("Line %(line)s: no trips from %(time)s") % {"line": name, "time": f"{begins:%H:%M}"}

    def description() -> str:
        day = formats.date_format(notice.service_day, "DATE_FORMAT")
        count = ngettext("%(count)s trip does not run", "%(count)s trips do not run", rows.size) % {"count": rows.size}
        return " ".join([_("%(day)s: %(count)s.") % {"day": day, "count": count}, *_cause(notice)])

    where = {"route": notice.route} | ({} if notice.direction is None else {"direction": notice.direction})
    day = {"service_day": notice.service_day.isoformat()}
    return {
        "header": in_languages(header),
        "description": in_languages(description),
        "effect": Effect.NO_SERVICE,
        "severity": Severity.WARNING,
        "informed": [where | {"trip": notice.trip} | day] if notice.trip else [where],
        **period_values([(begins, max(begins, ends))]),
    }


def _of_detour(notice: Detour) -> dict[str, Any]:
    closed = [stop_name(stop) for stop in notice.closed_stops]
    new = [stop["name"] for stop in notice.temporary_stops if stop["name"]]
    name = line_name(notice.route) if notice.route else ""

    def header() -> str:
        if not name:
            return _("Closed: %(stops)s") % {"stops": _listed(closed)}
        if len(notice.path) < 2 and closed:
            return _("Line %(line)s does not call at %(stops)s") % {"line": name, "stops": _listed(closed)}
        return _("Line %(line)s is diverted") % {"line": name}

    def description() -> str:
        said = _cause(notice)
        if closed:
            said.append(_("Not served: %(stops)s.") % {"stops": _listed(closed)})
        if new:
            said.append(_("Stops instead at: %(stops)s.") % {"stops": _listed(new)})
        return " ".join(said)

    where: dict[str, Any] = {"route": notice.route} if notice.route else {}
    where |= {} if notice.direction is None else {"direction": notice.direction}
    stops = [where | {"stop": stop} for stop in notice.closed_stops]
    only_stops = not name or len(notice.path) < 2
    return {
        "header": in_languages(header),
        "description": in_languages(description),
        "effect": Effect.DETOUR if name and len(notice.path) >= 2 else Effect.MODIFIED_SERVICE,
        "severity": Severity.WARNING,
        "informed": stops if only_stops and stops else [where, *stops],
        **period_values([(notice.starts_at, notice.ends_at)]),
    }


def _cause(notice: Notice) -> list[str]:
    if notice.cause == Cause.UNKNOWN_CAUSE:
        return []
    return [_("Cause: %(cause)s.") % {"cause": notice.get_cause_display()}]


def _listed(names: list[str]) -> str:
    shown = ", ".join(dict.fromkeys(names[:MOST_NAMES]))
    left = len(names) - MOST_NAMES
    return shown if left <= 0 else _("%(names)s and %(count)s more") % {"names": shown, "count": left}


def line_name(route: str) -> str:
    """What riders call a route."""
    line = Line.objects.filter(version__state=FeedVersion.State.IN_SERVICE, gtfs_id=route).first()
    return line.short_name if line else route


def stop_name(stop: str) -> str:
    """What riders call a stop."""
    found = Stop.objects.filter(version__state=FeedVersion.State.IN_SERVICE, gtfs_id=stop).first()
    return found.name if found else stop
