"""Known places: cautions, notes and a floor plan for whoever has an alert there, and for nobody else.

They tell of people's homes and illnesses. They are sealed in the database, shown to the operator who has the alert and
to the crew that goes, and each look is in the journal. None is kept for longer than LONGEST unless somebody says again
that it is still so.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.errors import Invalid, Missing, Unavailable
from cityhall.kernel.journal import append
from cityhall.kernel.media.models import Media
from cityhall.kernel.media.storing import Readable, made
from cityhall.kernel.media.storing import keep as keep_media
from cityhall.kernel.people.actors import Actor, system
from cityhall.kernel.people.permissions import require
from cityhall.kernel.places.point import Point, box_round, metres_between
from cityhall.services.safety.actions import SUPERVISE
from cityhall.services.safety.models import Alert, Button, Premise
from cityhall.services.safety.sealing import opened, sealed

FARTHEST_M = 500
"""Metres round its point that a place may have."""
LONGEST = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Told:
    """What is known of a place. `plan` is its floor plan; `lost`: it was sealed under another key."""

    pk: int
    name: str
    caution: str = ""
    note: str = ""
    plan: Media | None = None
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Given:
    """What a supervisor writes of a place: round `point`, or where `button` or `vehicle_id` is."""

    name: str
    point: Point | None = None
    radius_m: int = 50
    button: Button | None = None
    vehicle_id: int | None = None
    caution: str = ""
    note: str = ""
    until: date | None = None
    plan: Sequence[Readable | bytes] = field(default=())


def around(alert: Alert) -> list[Premise]:
    """The known places that an alert is within."""
    bound = Q(pk__in=())
    if alert.button_id is not None:
        bound |= Q(button_id=alert.button_id)
    if alert.vehicle_id is not None:
        bound |= Q(vehicle_id=alert.vehicle_id)
    found = list(Premise.objects.filter(bound))
    if (here := alert.point) is not None:
        near = Premise.objects.filter(point__inside=box_round(here, FARTHEST_M)).exclude(
            pk__in=[one.pk for one in found]
        )
        found += [one for one in near if one.point and metres_between(one.point, here) <= one.radius_m]
    return found


@transaction.atomic
def show(actor: Actor, alert: Alert) -> list[Told]:
    """What is known of the place of an alert, for who has it; that they saw it is in the journal."""
    found = around(alert)
    for one in found:
        append("safety", "premise.seen", {"alert": alert.pk}, subject=f"premise:{one.pk}", actor=str(actor))
    return [_told(one) for one in found]


@transaction.atomic
def read(actor: Actor, premise_id: int) -> tuple[Premise, Told]:
    """A place of the register with all that is known of it, for supervisors; journalled. Raises Denied, Missing."""
    require(actor, SUPERVISE)
    one = _one(premise_id)
    append("safety", "premise.seen", {}, subject=f"premise:{one.pk}", actor=str(actor))
    return one, _told(one)


def _told(one: Premise) -> Told:
    try:
        known = json.loads(opened(one.sealed))
    except Unavailable:
        return Told(one.pk, one.name, plan=one.plan, lost=True)
    return Told(one.pk, one.name, known["caution"], known["note"], one.plan)


def _one(premise_id: int) -> Premise:
    one = Premise.objects.select_related("plan", "button", "vehicle").filter(pk=premise_id).first()
    if one is None:
        raise Missing(_("There is no such place."), code="no_such_premise")
    return one


def keep(actor: Actor, given: Given, premise_id: int | None = None, *, now: datetime | None = None) -> Premise:
    """Enters a place, or changes one. A plan that is given replaces the one that is there.

    Raises Denied, Missing, Invalid for one that is nowhere or is kept too long, and what `media.storing.made` does.
    """
    require(actor, SUPERVISE)
    now = now or timezone.now()
    if given.point is None and given.button is None and given.vehicle_id is None:
        raise Invalid(
            _("A known place needs a place."),
            code="no_place",
            field="lon",
            mend=_("Give a position, a button or a vehicle."),
        )
    if not 1 <= given.radius_m <= FARTHEST_M:
        raise Invalid(_("Give 1 to %(most)d metres.") % {"most": FARTHEST_M}, code="bad_radius", field="radius_m")
    longest = timezone.localdate(now) + LONGEST
    until = given.until or longest
    if until > longest:
        raise Invalid(_("A note is kept for a year at most."), code="too_long", field="until")
    with made(list(given.plan)) as plans, transaction.atomic():
        one = _one(premise_id) if premise_id is not None else Premise()
        one.name, one.point, one.radius_m = given.name[:100], given.point, given.radius_m
        one.button, one.vehicle_id = given.button, given.vehicle_id
        one.sealed = sealed(json.dumps({"caution": given.caution.strip(), "note": given.note.strip()}))
        one.until, one.changed_at = until, now
        former = one.plan if plans else None
        if plans:
            # It is the city's, not the account's that brought it, and stays when that goes.
            one.plan = keep_media(system("safety"), plans[0], purpose="safety.plan")
        one.save()
        if former is not None:
            former.delete()
        what = "premise.entered" if premise_id is None else "premise.changed"
        append("safety", what, {"plan": bool(plans)}, subject=f"premise:{one.pk}", actor=str(actor))
    return one


@transaction.atomic
def forget(actor: Actor, premise_id: int) -> None:
    """Takes a place out of the register, its plan with it. Raises Denied, Missing."""
    require(actor, SUPERVISE)
    _forget(_one(premise_id), actor)


def _forget(one: Premise, actor: Actor) -> None:
    append("safety", "premise.forgotten", {}, subject=f"premise:{one.pk}", actor=str(actor))
    plan = one.plan
    one.delete()
    if plan is not None:
        plan.delete()


@transaction.atomic
def erase(now: datetime | None = None) -> int:
    """Every night: forgets the places that nobody has confirmed (a Task); gives how many."""
    old = list(Premise.objects.select_related("plan").filter(until__lt=timezone.localdate(now)).order_by("pk"))
    for one in old:
        _forget(one, system("safety"))
    return len(old)


def has(actor: Actor, alert: Alert) -> bool:
    """Whether the actor is the operator who has the alert."""
    return alert.owner_id is not None and alert.owner_id == actor.person_id and alert.is_open
