"""Following a journey: kept under a secret address, looked at live, given another way on where it breaks."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cityhall.kernel.errors import Missing
from cityhall.kernel.journal import append
from cityhall.kernel.notify.sending import send
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.places.point import Point
from cityhall.kernel.work.aside import passing_over
from cityhall.services.transit import days
from cityhall.services.transit.itinerary import Itinerary, RideLeg
from cityhall.services.transit.models import FollowedTrip, LeaveAlarm
from cityhall.services.transit.plan import Question, plan
from cityhall.services.transit.riders.offers import gone, offers, taken
from cityhall.services.transit.riders.progress import Progress, progress_of
from cityhall.services.transit.wire import from_json, to_json
from cityhall.web import when

KEPT = timedelta(hours=12)
"""How long a followed trip is kept after its end: whoever finds the address later learns nothing."""
ALARMS_KEPT = timedelta(days=7)


def find_followed(secret: str) -> FollowedTrip:
    """The trip behind a secret address. Raises Missing."""
    found = FollowedTrip.objects.filter(secret=secret).select_related("person").first()
    if found is None:
        raise Missing(_("This trip is not followed any more."), mend=_("Plan the journey anew."))
    return found


@transaction.atomic
def follow(actor: Actor, offer: str, origin_name: str, goal_name: str) -> FollowedTrip:
    """Starts to follow a journey of the planner's. Anybody may. Raises Conflict where it is not to be had any more."""
    question, itinerary = taken(offer)
    followed = FollowedTrip.objects.create(
        secret=secrets.token_urlsafe(24),
        person_id=actor.person_id,
        origin_name=origin_name[:200],
        goal_name=goal_name[:200],
        goal=question.goal,
        wheelchair=question.wheelchair,
        prefer=question.prefer,
        pace=question.pace,
        longest_m=question.longest_m,
        itinerary=to_json(itinerary),
        leaves_at=itinerary.departure,
        arrives_at=itinerary.arrival,
    )
    # Not where from and where to: the journal cannot forget.
    append("transit", "transit.trip.followed", {"rides": len(itinerary.rides)}, subject=f"trip:{followed.pk}")
    return followed


def onward_question(followed: FollowedTrip, now: datetime, progress: Progress) -> Question:
    """From where the rider is, or will be when the connection breaks, on to the goal."""
    place, moment = _stranded(followed, now, progress)
    here = days.here(moment)
    day = days.usual_day(here.date())
    second = days.second_of(day, here.time())
    return Question(
        place,
        followed.goal,
        day,
        second,
        "leave",
        followed.prefer,  # type: ignore[arg-type]
        followed.wheelchair,
        pace=followed.pace,
        longest_m=followed.longest_m,
    )


def _stranded(followed: FollowedTrip, now: datetime, progress: Progress) -> tuple[Point, datetime]:
    legs = progress.legs
    place = progress.broken if progress.broken is not None else progress.at
    before = [leg for leg in legs[:place] if leg.trip is not None]
    if before:
        end = before[-1].leg.target
        return Point(end.lon, end.lat), max(now, before[-1].arrival)
    start = legs[0].leg.origin
    return Point(start.lon, start.lat), max(now, progress.leave_at if progress.step == "leave" else now)


def other_ways(followed: FollowedTrip, now: datetime, progress: Progress) -> list[tuple[Itinerary, str]]:
    """Journeys on from there as offers, soonest at the goal first; those that ride what has broken are left out."""
    question = onward_question(followed, now, progress)
    broken = progress.legs[progress.broken].leg if progress.broken is not None else None
    gone = broken.trip_id if isinstance(broken, RideLeg) else ""
    found = offers(plan(question))
    return [(one, offer) for one, offer in found if not any(leg.trip_id == gone for leg in one.rides)]


@transaction.atomic
def go_another_way(secret: str, offer: str, now: datetime) -> FollowedTrip:
    """Puts another way on in the place of the rest of a followed trip. Whoever has the secret address may.

    Raises Missing, or Conflict where that way is not to be had any more.
    """
    followed = FollowedTrip.objects.select_for_update().filter(secret=secret).first() or find_followed(secret)
    kept = from_json(followed.itinerary)
    progress = progress_of(kept, now)
    question, onward = taken(offer)
    wanted = onward_question(followed, now, progress)
    if (question.origin, question.goal) != (wanted.origin, wanted.goal):
        # Of another trip, or of another part of this one: its legs would not join those that were ridden.
        raise gone()
    place = progress.broken if progress.broken is not None else progress.at
    ridden = [leg.leg for leg in progress.legs[:place] if leg.trip is not None]
    legs = (*(kept.legs[: kept.legs.index(ridden[-1]) + 1] if ridden else ()), *onward.legs)
    whole = replace(onward, legs=legs, departure=legs[0].departure)
    followed.itinerary = to_json(replace(whole, transfers=max(0, len(whole.rides) - 1)))
    followed.arrives_at = onward.arrival
    followed.save(update_fields=["itinerary", "arrives_at"])
    append("transit", "transit.trip.replanned", {"rides": len(onward.rides)}, subject=f"trip:{followed.pk}")
    return followed


@transaction.atomic
def stop_following(secret: str) -> None:
    """Forgets a followed trip; one that is not there is no error."""
    for followed in FollowedTrip.objects.filter(secret=secret):
        append("transit", "transit.trip.ended", {}, subject=f"trip:{followed.pk}")
        followed.delete()


def tell_of_breaks(now: datetime) -> int:
    """Tells the signed-in persons whose connection breaks, once for each; gives how many were looked at."""
    due = FollowedTrip.objects.filter(
        person__isnull=False, arrives_at__gte=now, leaves_at__lte=now + timedelta(hours=2)
    )
    looked = 0
    for followed in due.select_related("person"):
        looked += 1
        with passing_over("transit.trips", followed.pk), transaction.atomic():
            _tell_of_break(followed, now)
    return looked


def _tell_of_break(followed: FollowedTrip, now: datetime) -> None:
    progress = progress_of(from_json(followed.itinerary), now)
    if progress.broken is None or followed.person is None:
        return
    leg = progress.legs[progress.broken]
    ride = leg.leg
    line, trip = (ride.line, ride.trip_id) if isinstance(ride, RideLeg) else ("", "")
    text = gettext_lazy("The %(time)s of line %(line)s is cancelled. Open your trip for another way.")
    if leg.risk == "missed":
        text = gettext_lazy("You will probably miss the %(time)s of line %(line)s. Open your trip for another way.")
    send(
        followed.person,
        gettext_lazy("Your connection to %(goal)s breaks"),
        text,
        values={
            "goal": followed.goal_name,
            "line": line,
            "time": when.written(leg.planned_departure),
        },
        url=f"/transit/trips/{followed.secret}/",
        key=f"transit-trip-{followed.pk}-{trip}-{leg.risk}"[:200],
    )


def forget_old() -> None:
    """A regular task: what is over is forgotten, with the alarms that hang on it."""
    FollowedTrip.objects.filter(arrives_at__lt=timezone.now() - KEPT).delete()
    over = LeaveAlarm.objects.exclude(state=LeaveAlarm.State.WAITING)
    over.filter(leave_at__lt=timezone.now() - ALARMS_KEPT).delete()
