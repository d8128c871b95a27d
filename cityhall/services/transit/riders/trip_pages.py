"""Pages of a journey that is followed, and of alarms."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from cityhall.kernel import values
from cityhall.kernel.errors import CityhallError
from cityhall.kernel.people.actors import actor_of
from cityhall.services.transit import days
from cityhall.services.transit.itinerary import Itinerary, Leg
from cityhall.services.transit.models import FollowedTrip, LeaveAlarm
from cityhall.services.transit.riders import alarms, following
from cityhall.services.transit.riders.notices import notices
from cityhall.services.transit.riders.pages import is_part, vehicle_layers
from cityhall.services.transit.riders.progress import LegNow, Progress, progress_all, progress_of
from cityhall.services.transit.riders.trips import stop_name
from cityhall.services.transit.wire import feature, from_json


@require_POST
def follow(request: HttpRequest) -> HttpResponse:
    """Begins to follow a journey of the planner's answer."""
    post = request.POST
    names = post.get("from", "") or _("Start"), post.get("to", "") or _("Destination")
    followed = following.follow(actor_of(request), post.get("offer", ""), *names)
    return redirect("transit_trip", followed.secret)


@require_safe
@never_cache
def trip(request: HttpRequest, secret: str) -> HttpResponse:
    """A followed trip as it goes. Its address is the key to it: it is kept out of referrers and of search engines."""
    followed, now = following.find_followed(secret), days.now()
    progress = progress_of(from_json(followed.itinerary), now)
    context = _shown(followed, progress, now, actor_of(request).person_id)
    response = render(request, "transit/trip_now.html" if is_part(request) else "transit/trip.html", context)
    response["Referrer-Policy"] = "same-origin"
    response["X-Robots-Tag"] = "noindex"
    return response


def _shown(followed: FollowedTrip, progress: Progress, now: dt.datetime, person_id: int | None) -> dict[str, Any]:
    ways: list[dict[str, Any]] = []
    problem: CityhallError | None = None
    if progress.broken is not None:
        try:
            ways = [_way(*one, now) for one in following.other_ways(followed, now, progress)]
        except CityhallError as refusal:
            problem = refusal
    legs = progress.legs
    alighting = legs[progress.at].alighting
    stops = [end.id for leg in legs if leg.trip for end in (leg.leg.origin, leg.leg.target)]
    return {
        "followed": followed,
        "progress": progress,
        "now": now,
        "leave_s": round((progress.leave_at - now).total_seconds()),
        "current": legs[progress.at],
        "next_leg": legs[progress.at + 1] if progress.at + 1 < len(legs) else None,
        "alight_at": stop_name(alighting.stop) if alighting else "",
        "ways": ways,
        "problem": problem,
        "alarm": _alarm(followed, person_id),
        "map_data": [{"type": "FeatureCollection", "features": [feature(leg.leg) for leg in legs]}],
        "layers": vehicle_layers(),
        "coming": [leg.trip.live.vehicle for leg in legs if leg.trip and leg.trip.live.vehicle],
        "notices": notices(now, stops=stops, lines={leg.trip.line_id for leg in legs if leg.trip}),
    }


def _alarm(followed: FollowedTrip, person_id: int | None) -> LeaveAlarm | None:
    if person_id is None:
        return None
    return LeaveAlarm.objects.filter(followed=followed, person_id=person_id, state=LeaveAlarm.State.WAITING).first()


def _way(itinerary: Itinerary, offer: str, now: dt.datetime) -> dict[str, Any]:
    progress = progress_of(itinerary, now)
    return {"offer": offer, "progress": progress, "transfers": itinerary.transfers}


@dataclass(frozen=True, slots=True)
class Option:
    """A journey as the planner's page shows it; with `now`, how it goes, where it is one of today."""

    itinerary: Itinerary
    offer: str = ""
    now: Progress | None = None
    leave_s: int = 0
    too_late: bool = False

    @property
    def minutes(self) -> int:
        return round(self.itinerary.duration_s / 60)

    @property
    def walk_minutes(self) -> int:
        return round(self.itinerary.walk_s / 60)

    @property
    def legs(self) -> list[tuple[Leg, LegNow | None]]:
        """Each leg, and how it goes now."""
        legs = self.itinerary.legs
        return list(zip(legs, self.now.legs if self.now else [None] * len(legs), strict=True))


def live_options(found: list[tuple[Itinerary, str]], now: dt.datetime) -> list[Option]:
    """The planner's journeys, each with how it goes now."""
    return [
        Option(*one, progress, round((progress.leave_at - now).total_seconds()), progress.latest_at < now)
        for one, progress in zip(found, progress_all([itinerary for itinerary, _offer in found], now), strict=True)
    ]


@require_POST
def another_way(request: HttpRequest, secret: str) -> HttpResponse:
    """Takes another way on."""
    following.go_another_way(secret, request.POST.get("offer", ""), days.now())
    messages.success(request, _("Your trip goes another way now."))
    return redirect("transit_trip", secret)


@require_POST
def end_trip(request: HttpRequest, secret: str) -> HttpResponse:
    """Forgets the trip."""
    following.stop_following(secret)
    messages.success(request, _("The trip is forgotten."))
    return redirect("transit")


@login_required
@require_POST
def trip_alarm(request: HttpRequest, secret: str) -> HttpResponse:
    """Sets the alarm of a followed trip."""
    alarms.set_for_trip(actor_of(request), following.find_followed(secret))
    return redirect("transit_trip", secret)


@login_required
@require_POST
def bus_alarm(request: HttpRequest) -> HttpResponse:
    """Sets an alarm for one bus at one stop."""
    post = request.POST
    number = {name: values.whole(post.get(name, ""), 86_400) for name in ("sequence", "walk")}
    day = values.day(post.get("day", "")) or days.now().date()
    alarms.set_for_bus(
        actor_of(request),
        post.get("stop", "")[:200],
        post.get("trip", "")[:200],
        day,
        number["sequence"] if number["sequence"] is not None else -1,
        60 * (number["walk"] or 0),
    )
    messages.success(request, _("You will be told when to leave."))
    return redirect("transit_alarms")


@require_safe
@never_cache
def my_alarms(request: HttpRequest) -> HttpResponse:
    """The person's alarms: those that wait, and what became of the last ones; and how to set one."""
    person_id = actor_of(request).person_id
    known = LeaveAlarm.objects.filter(person_id=person_id) if person_id is not None else LeaveAlarm.objects.none()
    mine = list(known.select_related("followed"))
    waiting = [alarm for alarm in mine if alarm.state == LeaveAlarm.State.WAITING]
    since = days.now() - dt.timedelta(hours=12)
    over = [alarm for alarm in mine if alarm.state != LeaveAlarm.State.WAITING and alarm.leave_at > since]
    return render(request, "transit/alarms.html", {"waiting": waiting, "over": over[-10:], "now": days.now()})


@login_required
@require_POST
def cancel_alarm(request: HttpRequest, alarm_id: int) -> HttpResponse:
    """Takes an alarm back."""
    alarms.cancel(actor_of(request), alarm_id)
    messages.success(request, _("The alarm is taken back."))
    return redirect("transit_alarms")
