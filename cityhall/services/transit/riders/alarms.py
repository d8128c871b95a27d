"""Tell me when to leave: recalculated with every prediction, told once, and again only where it matters."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from urllib.parse import quote

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cityhall.kernel.errors import Conflict, Denied, Invalid, Missing
from cityhall.kernel.journal import append
from cityhall.kernel.notify.sending import send
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.work.aside import passing_over
from cityhall.services.transit import queries, timetables
from cityhall.services.transit.models import FollowedTrip, LeaveAlarm
from cityhall.services.transit.riders.notices import cancelled_trips
from cityhall.services.transit.riders.progress import SPARE, progress_of
from cityhall.services.transit.riders.trips import find_trip
from cityhall.services.transit.wire import from_json
from cityhall.web import when

MOST = 20
"""Alarms a person may have waiting."""
MOVED = timedelta(minutes=3)
"""A change of the time to leave that is worth another message once it was told."""
NOTICE = timedelta(seconds=45)
"""How long before the time to leave the message goes out: it takes a while to reach a telephone."""
LAPSED = timedelta(minutes=20)
LONGEST_WALK_S = 3600


def _person(actor: Actor) -> int:
    if actor.person_id is None:
        raise Denied(_("Only a person can be told."), code="denied", mend=_("Sign in first."))
    return actor.person_id


def _room(person_id: int) -> None:
    if LeaveAlarm.objects.filter(person_id=person_id, state=LeaveAlarm.State.WAITING).count() >= MOST:
        raise Conflict(
            _("You have %(count)d alarms waiting.") % {"count": MOST},
            code="too_many_alarms",
            mend=_("Take one back first."),
        )


@transaction.atomic
def set_for_trip(actor: Actor, followed: FollowedTrip) -> LeaveAlarm:
    """An alarm for a followed trip. Raises Denied where nobody is signed in, Conflict where it is too late."""
    person_id = _person(actor)
    now = timezone.now()
    leave_at = progress_of(from_json(followed.itinerary), now).leave_at
    if leave_at <= now:
        raise Conflict(_("It is time to leave already."), code="too_late", mend=_("Leave now, or plan anew."))
    known = LeaveAlarm.objects.filter(person_id=person_id, followed=followed, state=LeaveAlarm.State.WAITING).first()
    if known is not None:
        return known
    _room(person_id)
    return _made(LeaveAlarm(person_id=person_id, followed=followed, promised_at=leave_at, leave_at=leave_at), actor)


@transaction.atomic
def set_for_bus(actor: Actor, stop_id: str, trip_id: str, service_day: date, sequence: int, walk_s: int) -> LeaveAlarm:
    """An alarm for one bus at one stop, `walk_s` seconds away.

    Raises Denied, Missing for a stop or trip there is not, Invalid for a walk that is no walk, Conflict where it is
    too late.
    """
    person_id = _person(actor)
    if not 0 <= walk_s <= LONGEST_WALK_S:
        raise Invalid(_("The way to the stop takes an hour at most."), field="walk_s", code="walk_too_long")
    stop = queries.find_stop(stop_id)
    now = timezone.now()
    trip = find_trip(trip_id, service_day, now)
    if trip is None or not 0 <= sequence < len(trip):
        raise Missing(_("There is no such trip."), mend=_("Choose a bus on the page of the stop."))
    call = trip.call(sequence)
    row = call.stop
    if row != stop.row and int(timetables.service().schedule.stops.parent[row]) != stop.row:
        raise Missing(_("This bus does not call there."), mend=_("Choose a bus on the page of the stop."))
    leave_at = _leave_at(call.low or call.departure, call.departure, walk_s)
    if call.passed or leave_at <= now:
        raise Conflict(_("It is time to leave already."), code="too_late", mend=_("Leave now, or choose a later bus."))
    _room(person_id)
    alarm = LeaveAlarm(
        person_id=person_id,
        service_day=service_day,
        trip=trip_id,
        sequence=sequence,
        stop=stop.gtfs_id,
        stop_name=stop.name,
        line=trip.line,
        walk_s=walk_s,
        promised_at=leave_at,
        leave_at=leave_at,
    )
    return _made(alarm, actor)


def _made(alarm: LeaveAlarm, actor: Actor) -> LeaveAlarm:
    try:
        with transaction.atomic():
            alarm.save()
    except IntegrityError:
        raise Conflict(_("You have this alarm already."), code="alarm_set", mend=_("Nothing more is needed.")) from None
    append("transit", "transit.alarm.set", {}, subject=f"alarm:{alarm.pk}", actor=str(actor))
    return alarm


def _leave_at(low: datetime, expected: datetime, walk_s: int) -> datetime:
    return min(low, expected) - timedelta(seconds=walk_s) - (SPARE if walk_s else timedelta())


@transaction.atomic
def cancel(actor: Actor, alarm_id: int) -> None:
    """Takes an alarm of the actor's own back. Raises Missing for another's, or one that is over."""
    alarm = LeaveAlarm.objects.filter(pk=alarm_id, person_id=_person(actor), state=LeaveAlarm.State.WAITING).first()
    if alarm is None:
        raise Missing(_("There is no such alarm."), mend=_("It may have gone off already."))
    alarm.state = LeaveAlarm.State.CANCELLED
    alarm.save(update_fields=["state"])
    append("transit", "transit.alarm.cancelled", {}, subject=f"alarm:{alarm.pk}", actor=str(actor))


def look(now: datetime) -> int:
    """Recalculates every alarm and tells what is due; gives how many messages that were.

    Two workers at once are no harm: each alarm is taken by one of them, and the message's key is told once.
    """
    told = 0
    states = (LeaveAlarm.State.WAITING, LeaveAlarm.State.TOLD)
    near = LeaveAlarm.objects.filter(state__in=states, leave_at__lte=now + timedelta(hours=3))
    for pk in near.values_list("pk", flat=True):
        with passing_over("transit.alarms", pk), transaction.atomic():
            alarm = LeaveAlarm.objects.select_for_update(skip_locked=True, of=("self",)).filter(pk=pk).first()
            if alarm is not None and alarm.state in states:
                told += _look_at(alarm, now)
    return told


def _look_at(alarm: LeaveAlarm, now: datetime) -> int:
    leave_at, cancelled = _time_of(alarm, now)
    if cancelled:
        alarm.state = LeaveAlarm.State.LAPSED
        alarm.save(update_fields=["state"])
        _say(alarm, "cancelled")
        return 1
    alarm.leave_at = leave_at
    messages = 0
    if alarm.state == LeaveAlarm.State.WAITING and now >= leave_at - NOTICE:
        alarm.state, alarm.promised_at = LeaveAlarm.State.TOLD, leave_at
        _say(alarm, "leave")
        messages = 1
    elif alarm.state == LeaveAlarm.State.TOLD and leave_at - alarm.promised_at >= MOVED and leave_at > now:
        alarm.promised_at = leave_at
        _say(alarm, "later")
        messages = 1
    elif alarm.state == LeaveAlarm.State.TOLD and now > leave_at + LAPSED:
        alarm.state = LeaveAlarm.State.LAPSED
    alarm.save(update_fields=["state", "leave_at", "promised_at"])
    return messages


def _time_of(alarm: LeaveAlarm, now: datetime) -> tuple[datetime, bool]:
    """When to leave by what is known now, and whether there is nothing to leave for any more."""
    if alarm.followed is not None:
        progress = progress_of(from_json(alarm.followed.itinerary), now)
        first = progress.first_ride
        return progress.leave_at, first is not None and first.risk == "cancelled"
    assert alarm.service_day is not None and alarm.sequence is not None
    trip = find_trip(alarm.trip, alarm.service_day, now)
    if trip is None or alarm.sequence >= len(trip):
        return alarm.leave_at, True
    call = trip.call(alarm.sequence)
    if call.passed:
        return alarm.leave_at, False
    gone = (alarm.service_day, alarm.trip) in cancelled_trips([(alarm.service_day, alarm.trip)])
    return _leave_at(call.low or call.departure, call.departure, alarm.walk_s), gone


_TRIP = {
    "leave": gettext_lazy("Leave now for your trip to %(goal)s"),
    "later": gettext_lazy("You have more time before your trip to %(goal)s"),
    "cancelled": gettext_lazy("The first bus of your trip to %(goal)s does not run"),
}
_BUS = {
    "leave": gettext_lazy("Leave now for line %(line)s at %(stop)s"),
    "later": gettext_lazy("You have more time for line %(line)s at %(stop)s"),
    "cancelled": gettext_lazy("Line %(line)s at %(stop)s: this bus does not run"),
}
_MORE = {
    "leave": gettext_lazy("Be on your way by %(time)s to catch it."),
    "later": gettext_lazy("It is later than we said: leave at %(time)s."),
    "cancelled": gettext_lazy("It was cancelled. The page shows what else there is."),
}


def _say(alarm: LeaveAlarm, what: str) -> None:
    followed = alarm.followed
    values = {
        "goal": followed.goal_name if followed else "",
        "line": alarm.line,
        "stop": alarm.stop_name,
        "time": when.written(alarm.leave_at),
    }
    moment = int(alarm.promised_at.timestamp()) // 60 if what == "later" else ""
    send(
        alarm.person,
        (_TRIP if followed else _BUS)[what],
        _MORE[what],
        values=values,
        url=f"/transit/trips/{followed.secret}/" if followed else f"/transit/stops/{quote(alarm.stop, safe='')}/",
        key=f"transit-alarm-{alarm.pk}-{what}-{moment}",
    )
