"""Where a unit that is sent to a bus meets it: planned with the offer, and anew at each position of the bus.

Each look is a deadline (EVERY_S after the last), acted on by whichever process of the city lives. A bus that leaves
its way is chased: at once where its tracker says so, else at the second position in a row of which nobody knows the
way.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _

from cityhall.kernel.deadlines.actions import clear, set_deadline
from cityhall.kernel.deadlines.declares import Due
from cityhall.kernel.journal import append
from cityhall.kernel.live import publish
from cityhall.kernel.notify.sending import send
from cityhall.kernel.people.actors import system
from cityhall.kernel.places.point import Point
from cityhall.services.safety import intercepting, roads, stream
from cityhall.services.safety.actions import locked, say
from cityhall.services.safety.choosing import Choice
from cityhall.services.safety.models import Alert, Assignment, Meeting

MEET = "safety.meet"
EVERY_S = 5.0
"""It is planned anew at most so often, and only where the bus has said where it is since."""
TOPIC = "safety-meetings"
BUS = "#7b1fa2"
"""The colour of a bus that is met."""
GOING = (Assignment.State.OFFERED, Assignment.State.ACCEPTED)


@dataclass(frozen=True, slots=True)
class Planned:
    """What a look has found: a meeting's kind, and the stop for one that is met."""

    kind: str
    meet: intercepting.Meet | None = None


def begin(one: Assignment, chosen: Choice, now: datetime) -> Meeting | None:
    """Keeps where the unit of a new assignment meets the bus that its alert is in; None where it is in none."""
    vehicle = one.alert.vehicle
    state = getattr(vehicle, "state", None) if vehicle else None
    if state is None or (chosen.meet is None and not chosen.chases):
        return None
    driving = intercepting.driving_of(vehicle, now)
    made = Meeting(assignment=one, line=driving.line_name[:100] if driving else "", seen_at=state.at)
    kind = Meeting.Kind.SURE if chosen.meet and chosen.meet.sure else Meeting.Kind.LIKELY
    if chosen.meet is None:
        kind = Meeting.Kind.BEHIND if intercepting.knows_way(driving) else Meeting.Kind.OFF
    _put(made, Planned(kind, chosen.meet), Point(*state.point), now)
    made.save(force_insert=True)
    _later(one, now)
    publish(TOPIC, features(made))
    return made


def _put(meeting: Meeting, planned: Planned, bus: Point, now: datetime) -> None:
    meeting.kind, meeting.bus = planned.kind, bus
    if planned.meet is None:
        meeting.stop, meeting.stop_name, meeting.point, meeting.chance = "", "", bus, 0.0
        meeting.unit_at = meeting.bus_at = None
        return
    meet = planned.meet
    meeting.line = meet.line[:100]
    meeting.stop, meeting.stop_name, meeting.point = meet.at.stop[:200], meet.at.name[:300], meet.point
    meeting.chance = meet.chance
    meeting.unit_at, meeting.bus_at = now + timedelta(seconds=meet.seconds), now + timedelta(seconds=meet.bus)


def look(due: Due) -> None:
    """Looks whether the bus has said where it is, and plans anew where it has (a DeadlineKind's action)."""
    number, now = int(due.subject.removeprefix("assignment:")), due.now
    wanted = ("assignment__alert__vehicle__state", "assignment__unit__vehicle__state")
    meeting = Meeting.objects.select_related(*wanted).filter(pk=number).first()
    if meeting is None or meeting.assignment.state not in GOING:
        return
    one = meeting.assignment
    state = getattr(one.alert.vehicle, "state", None) if one.alert.vehicle else None
    if state is not None and state.at > meeting.seen_at:
        # Nobody waits for the alert while it is planned.
        planned = _planned(meeting, now)
        # The alert first, as everywhere: two who change it do not wait on one another for ever.
        alert = locked(one.alert_id)
        one = Assignment.objects.select_for_update(of=("self",)).select_related("unit__person").get(pk=number)
        if one.state not in GOING:
            return
        meeting.seen_at = state.at
        if planned is not None:
            before = (meeting.is_chase, meeting.stop)
            _put(meeting, planned, Point(*state.point), now)
            if (meeting.is_chase, meeting.stop) != before:
                _redirected(meeting, alert, one, now)
            publish(TOPIC, features(meeting))
        meeting.save()
    _later(one, now)


def _planned(meeting: Meeting, now: datetime) -> Planned | None:
    """Where to go now; None while it is in doubt whether the bus has left its way."""
    from cityhall.engines.intercept import Watch

    one = meeting.assignment
    driving = intercepting.driving_of(one.alert.vehicle, now)
    watch = Watch(beside=meeting.beside)
    known = driving is not None and intercepting.knows_way(driving)
    seen = watch.seen(0.0 if known else float("inf"))
    meeting.beside = min(watch.beside, watch.positions)
    if driving is None or not known:
        # What its tracker says, it has weighed by several positions itself.
        off = seen == "off" or (driving is not None and driving.off_way) or meeting.kind == Meeting.Kind.OFF
        return Planned(Meeting.Kind.OFF) if off else None
    place, _at = roads.place_of(one.unit, now)
    (meet,) = intercepting.meets(driving, [place], now, keep=meeting.stop) if place else (None,)
    if meet is None:
        return Planned(Meeting.Kind.BEHIND)
    return Planned(Meeting.Kind.SURE if meet.sure else Meeting.Kind.LIKELY, meet)


def _redirected(meeting: Meeting, alert: Alert, one: Assignment, now: datetime) -> None:
    """The unit goes elsewhere now: its crew is told, the log, the journal, and the desk's screens."""
    actor = system("safety")
    say(alert, "redirected", actor, now, data={"unit": one.unit_id, "kind": meeting.kind, "stop": meeting.stop_name})
    data = {"unit": one.unit_id, "kind": meeting.kind}
    append("safety", "unit.redirected", data, subject=stream.subject(alert.pk), actor=str(actor))
    stream.anew(alert)
    if one.unit.person is not None:
        chased = _("The bus has left its line: go to where it was seen last")
        text = _("Meet the bus at %(place)s instead") if meeting.stop_name else chased
        key = f"assignment-{one.pk}-{now.timestamp():.0f}"
        send(one.unit.person, text, values={"place": meeting.stop_name}, url="/safety/unit/", key=key)


def end(one: Assignment) -> None:
    """The unit goes there no more: nothing is planned, and its meeting is off the map. In a transaction."""
    clear(MEET, f"assignment:{one.pk}")
    meeting = Meeting.objects.filter(pk=one.pk).first()
    if meeting is not None:
        publish(TOPIC, features(meeting, gone=True))


def _later(one: Assignment, now: datetime) -> None:
    set_deadline(MEET, f"assignment:{one.pk}", now + timedelta(seconds=EVERY_S))


def features(meeting: Meeting, *, gone: bool = False) -> list[dict[str, Any]]:
    """The bus and where it is met, as the desk's map draws them (GeoJSON); one that is chased is met nowhere."""
    seen = {"name": meeting.line, "what": "bus", "color": BUS, "at": round(meeting.seen_at.timestamp(), 2)}
    place = {"name": meeting.stop_name, "what": "place"}
    return [
        _feature(f"bus-{meeting.pk}", meeting.bus, {"gone": True} if gone else seen),
        _feature(f"place-{meeting.pk}", meeting.point, {"gone": True} if gone or not meeting.stop_name else place),
    ]


def _feature(name: str, point: Point, told: dict[str, Any]) -> dict[str, Any]:
    geometry = {"type": "Point", "coordinates": [round(point.lon, 6), round(point.lat, 6)]}
    return {"type": "Feature", "id": name, "geometry": geometry, "properties": {"id": name, **told}}
