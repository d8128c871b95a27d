"""How well a service day went, line by line and as a whole, from what was seen of it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from cityhall.engines.headway.gaps import mean_wait
from cityhall.kernel.devices.models import DropCount
from cityhall.kernel.errors import Unavailable
from cityhall.kernel.journal import append
from cityhall.kernel.people.actors import Actor, system
from cityhall.kernel.people.permissions import require
from cityhall.services.transit import days, timetables
from cityhall.services.transit.control import runs
from cityhall.services.transit.control.rules import on_time
from cityhall.services.transit.models import Cancellation, DailyQuality, DayTally, Episode, StopCall
from cityhall.services.transit.realtime.selection import all_cancelled

OFTEN_S = 720
"""A line whose headway is at most this runs "often": riders come without a timetable, and what counts is the wait.

Five buses an hour or more (Transport for London, Bus Quality of Service Indicators).
"""
RUN_SHARE = 0.5
"""A trip seen at so many of its stops has run."""
SEEN_LATE = timedelta(minutes=10)
"""The day's first call may be that of a trip so late."""
ENOUGH = 30
"""Of fewer calls a share says nothing of a day: a single late trip makes most of it."""
LONGEST_GAP_S = 7200
"""A longer gap is a pause of the line, or of our seeing it."""
FIXES = ("0", "1", "2", "4", "5")
FIGURES = (
    *("calls", "on_time", "early", "late", "median_delay_s", "trips_planned", "trips_run", "trips_missed"),
    *("trips_seen", "trips_cancelled", "wait_s", "planned_wait_s", "excess_wait_s", "speed_kmh", "bunched_min"),
    *("off_route_min", "silent_vehicles", "speeding", "braking", "fixes", "dropped"),
)
"""Names of what is kept of a day. Shares are of 1; `fixes` shares by class of fix; `dropped` messages by reason."""


@transaction.atomic
def compute(actor: Actor, day: date) -> list[DailyQuality]:
    """Computes a service day anew, for each line that ran or should have and for all together.

    Trips that set out before the day's first call was seen are left out: nobody knows whether they ran.

    Raises Denied without `transit.change_fleet`, Unavailable without a timetable.
    """
    require(actor, "transit.change_fleet")
    calls: dict[str, list[StopCall]] = defaultdict(list)
    for call in StopCall.objects.filter(service_day=day):
        calls[call.route].append(call)
    schedule = timetables.service().schedule
    planned = {route: runs.of_line(route, -1, day) for route in schedule.routes.id}
    line_of = timetables.service().line_of
    episodes = list(Episode.objects.filter(service_day=day))
    tallies: dict[str, dict[str, float]] = defaultdict(dict)
    for tally in DayTally.objects.filter(service_day=day):
        tallies[tally.route][tally.what] = tally.amount
    cancelled = _cancelled(day)
    since = min((call.arrived_at for found in calls.values() for call in found), default=timezone.now())
    before = dict(DailyQuality.objects.filter(service_day=day).values_list("route", "figures"))
    kept = []
    for route in sorted({*calls, *(route for route, trips in planned.items() if trips)}):
        mine = [episode for episode in episodes if episode.route == route]
        trips = [trip for trip in planned.get(route, []) if since - SEEN_LATE <= trip.moment(day, 0)]
        figures = _line(calls[route], trips, cancelled, day) | _told(mine, tallies[route])
        kept.append(_keep(day, route, line_of(route), figures))
    kept.append(_keep(day, "", "", _whole(kept, calls, episodes, tallies, day)))
    DailyQuality.objects.filter(service_day=day).exclude(pk__in=[row.pk for row in kept]).delete()
    if {row.route: row.figures for row in kept} != before:
        told = {"day": f"{day}", "lines": len(kept) - 1}
        append("transit", "quality.computed", told, subject=f"{day}", actor=str(actor))
    return kept


def hourly() -> None:
    """The hourly task: today so far, and yesterday until all its trips are home."""
    try:
        timetables.service()
    except Unavailable:
        return
    now = timezone.now().astimezone(days.clock(days.today(), 0).tzinfo)
    yesterday = now.date() - timedelta(days=1)
    compute(system("quality"), now.date())
    if now.hour < 7 or not DailyQuality.objects.filter(service_day=yesterday).exists():
        compute(system("quality"), yesterday)


def _keep(day: date, route: str, line: str, figures: dict[str, Any]) -> DailyQuality:
    row, _made = DailyQuality.objects.update_or_create(
        service_day=day, route=route, defaults={"line": line, "figures": figures, "computed_at": timezone.now()}
    )
    return row


def _cancelled(day: date) -> set[str]:
    """Ids of the trips that were taken out of the day."""
    notices = Cancellation.objects.filter(service_day=day, state=Cancellation.State.IN_FORCE)
    ids = timetables.service().schedule.trips.id
    return {ids[row] for row in all_cancelled(notices).get(day, ())}


def _line(calls: Sequence[StopCall], planned: Sequence[runs.Trip], cancelled: set[str], day: date) -> dict[str, Any]:
    now = timezone.now()
    due = [trip for trip in planned if trip.moment(day, -1) <= now]
    seen = Counter(call.trip for call in calls)
    ran = sum(seen[trip.id] >= RUN_SHARE * len(trip.stops) for trip in due)
    off = sum(trip.id in cancelled for trip in due)
    headway = bool(planned) and planned[0].headway_line
    figures: dict[str, Any] = {
        "trips_planned": len(due),
        "trips_run": ran,
        "trips_seen": len(seen),
        "trips_cancelled": off,
        "trips_missed": max(0, len(due) - ran - off),
        "headway_line": headway,
    }
    # A line that runs by headway has no times to be on.
    figures |= _punctuality([] if headway else [_delay(call) for call in calls])
    if headway or _often(planned):
        figures |= _waits(calls, planned, day)
    return figures


def _delay(call: StopCall) -> float:
    """Late at departure where it left, at arrival else; seconds."""
    if call.departed_at is not None:
        return (call.departed_at - call.scheduled_departure).total_seconds()
    return (call.arrived_at - call.scheduled_arrival).total_seconds()


def _punctuality(delays: Sequence[float]) -> dict[str, Any]:
    if not delays:
        return {"calls": 0, "on_time": None, "early": None, "late": None, "median_delay_s": None}
    low, high = on_time()
    late = np.array(delays)
    return {
        "calls": len(delays),
        "on_time": round(float(((late >= low) & (late <= high)).mean()), 4),
        "early": round(float((late < low).mean()), 4),
        "late": round(float((late > high).mean()), 4),
        "median_delay_s": round(float(np.median(late))),
    }


def _often(planned: Sequence[runs.Trip]) -> bool:
    gaps: list[int] = []
    for direction in {trip.direction for trip in planned}:
        gaps += np.diff([int(trip.second[0]) for trip in planned if trip.direction == direction]).tolist()
    return bool(gaps) and float(np.median(gaps)) <= OFTEN_S


def _waits(calls: Sequence[StopCall], planned: Sequence[runs.Trip], day: date) -> dict[str, Any]:
    """Mean waits of riders who come at random, as it was and as it was meant in the same hours, over all stops.

    Excess waiting time as Transport for London measures it: actual less scheduled.
    """
    moments = [call.departed_at or call.arrived_at for call in calls]
    zero = days.clock(day, 0).timestamp()
    first, last = (min(moments).timestamp() - zero, max(moments).timestamp() - zero) if moments else (0.0, 0.0)
    was: dict[tuple[int, str], list[float]] = defaultdict(list)
    for call in calls:
        was[call.direction, call.stop].append((call.departed_at or call.arrived_at).timestamp())
    actual = _gaps(was.values())
    meant: dict[tuple[int, int], list[float]] = defaultdict(list)
    for trip in planned:
        for place, stop in enumerate(trip.stops):
            if first <= trip.second[2 * place + 1] <= last:
                meant[trip.direction, stop].append(float(trip.second[2 * place + 1]))
    wanted = _gaps(meant.values())
    if not actual.size or not wanted.size:
        return {"wait_s": None, "planned_wait_s": None, "excess_wait_s": None}
    wait, plan = mean_wait(actual), mean_wait(wanted)
    return {"wait_s": round(wait, 1), "planned_wait_s": round(plan, 1), "excess_wait_s": round(wait - plan, 1)}


def _gaps(times: Iterable[list[float]]) -> np.ndarray:
    gaps = [np.diff(np.sort(moments)) for moments in times if len(moments) > 1]
    found = np.concatenate(gaps) if gaps else np.array([])
    return found[(found > 0) & (found <= LONGEST_GAP_S)]


def _told(episodes: Sequence[Episode], tally: dict[str, float]) -> dict[str, Any]:
    """What episodes and tallies say."""

    def minutes(rule: str) -> float:
        lasted = [(one.ended_at or one.seen_at) - one.began_at for one in episodes if one.rule == rule]
        return round(sum(lasted, timedelta()).total_seconds() / 60, 1)

    moving, seen = tally.get("moving_s", 0.0), tally.get("seen_s", 0.0)
    return {
        "speed_kmh": round(3.6 * tally.get("moved_m", 0.0) / moving, 1) if moving else None,
        "bunched_min": minutes("bunched"),
        "off_route_min": minutes("off_route"),
        "silent_vehicles": len({one.vehicle for one in episodes if one.rule == "silent"}),
        "speeding": sum(one.rule == "speeding" for one in episodes),
        "braking": sum(one.rule == "braking" for one in episodes),
        "fixes": {name: round(tally.get(f"fix_s:{name}", 0.0) / seen, 4) for name in FIXES} if seen else None,
    }


def _whole(
    lines: Sequence[DailyQuality],
    calls: dict[str, list[StopCall]],
    episodes: Sequence[Episode],
    tallies: dict[str, dict[str, float]],
    day: date,
) -> dict[str, Any]:
    total: dict[str, float] = defaultdict(float)
    for tally in tallies.values():
        for what, amount in tally.items():
            total[what] += amount
    timed = [row.route for row in lines if not row.figures["headway_line"]]
    figures = _punctuality([_delay(call) for route in timed for call in calls[route]])
    for name in ("trips_planned", "trips_run", "trips_seen", "trips_cancelled", "trips_missed"):
        figures[name] = sum(row.figures[name] for row in lines)
    waits = [
        (row.figures["excess_wait_s"], len(calls[row.route]))
        for row in lines
        if row.figures.get("excess_wait_s") is not None
    ]
    weight = sum(count for _wait, count in waits)
    figures["excess_wait_s"] = round(sum(wait * count for wait, count in waits) / weight, 1) if weight else None
    return figures | {"headway_line": False} | _told(episodes, total) | {"dropped": _dropped(day)}


def _dropped(day: date) -> dict[str, int]:
    """Messages that were not taken on the day, by reason. The counts are by the day of UTC, as near as they are."""
    found: dict[str, int] = {}
    for reason, count in DropCount.objects.filter(Q(day=day)).values_list("reason", "count"):
        found[reason] = found.get(reason, 0) + count
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def telling(figures: dict[str, Any]) -> dict[str, Any]:
    """The same as people may be shown them: no share of too few calls, and `few` where that is so.

    `part` is how many trips were seen and have not been seen to run: on the way, or seen at few of their stops.
    """
    few = figures["calls"] < ENOUGH
    part = max(0, figures.get("trips_seen", 0) - figures["trips_run"])
    return figures | {"few": few, "part": part} | (dict.fromkeys(("on_time", "early", "late")) if few else {})


def of_day(day: date) -> tuple[DailyQuality | None, list[DailyQuality]]:
    """The whole day and its lines, as last computed."""
    found = list(DailyQuality.objects.filter(service_day=day))
    lines = sorted((row for row in found if row.route), key=lambda row: (len(row.line), row.line))
    return next((row for row in found if not row.route), None), lines


def computed_days(limit: int = 14) -> list[tuple[date, dict[str, Any], datetime]]:
    """The last days that were computed, oldest first: (day, the whole's figures, when)."""
    found = DailyQuality.objects.filter(route="").order_by("-service_day")[:limit]
    return [(row.service_day, row.figures, row.computed_at) for row in reversed(found)]
