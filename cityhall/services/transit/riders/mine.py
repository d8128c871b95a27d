"""What riders find of theirs on the city's own pages, and what is out of the ordinary on its front page."""

from __future__ import annotations

from cityhall.kernel.people.actors import Actor
from cityhall.services.transit import days
from cityhall.services.transit.models import FollowedTrip, LeaveAlarm
from cityhall.services.transit.realtime.alerts import in_force
from cityhall.services.transit.riders import favourites as kept_favourites
from cityhall.services.transit.riders.school import pupils_of
from cityhall.web.rows import Row

ICONS = {"journey": "swap", "line": "bus", "stop": "stop"}
SHOWN = 3
"""Alerts on the front page; the page of all of them has the rest."""


def wrong_now() -> list[Row]:
    """The alerts in force, the gravest first."""
    return [
        Row(alert.header_text, "/transit/alerts/", alert.get_effect_display(), "warning")
        for alert in in_force(days.now())[:SHOWN]
    ]


def trips(actor: Actor) -> list[Row]:
    """The trips that a person follows and have not ended, then their alarms for single buses; none for nobody."""
    if actor.person_id is None:
        return []
    now = days.now()
    followed = FollowedTrip.objects.filter(person_id=actor.person_id, arrives_at__gte=now).order_by("leaves_at")
    alarms = LeaveAlarm.objects.filter(
        person_id=actor.person_id, state=LeaveAlarm.State.WAITING, followed=None
    ).order_by("leave_at")
    return [
        *(
            Row(f"{one.origin_name} – {one.goal_name}", f"/transit/trips/{one.secret}/", icon="swap", at=one.leaves_at)
            for one in followed
        ),
        *(Row(f"{one.line} · {one.stop_name}", "/transit/alarms/", icon="clock", at=one.leave_at) for one in alarms),
    ]


def favourites(actor: Actor) -> list[Row]:
    """A person's favourites; those that this browser keeps are the browser's to show."""
    return [
        Row(one.name, kept_favourites.address(one), icon=ICONS.get(one.kind, "star"))
        for one in kept_favourites.kept(actor.person_id)
    ]


def school_buses(actor: Actor) -> list[Row]:
    """The buses of the pupils that a person is responsible for; the page of each asks whether they have agreed."""
    return [
        Row(pupil.reference, f"/transit/school/{pupil.pk}/", f"{pupil.stop_name} – {pupil.school_name}", "bus")
        for pupil in pupils_of(actor)
    ]
