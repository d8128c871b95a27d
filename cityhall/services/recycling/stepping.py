"""What a crew's telephone tells of a stop but its weight, each once however often it is sent. Locks: the pickup."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.errors import Conflict, Invalid
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.permissions import require
from cityhall.services.recycling import collecting
from cityhall.services.recycling.models import CrewStep
from cityhall.services.recycling.planning import DRIVE

What = CrewStep.What


@dataclass(frozen=True, slots=True)
class Told:
    """A step of a crew. `uid` is its device's own id of it, `at` by the device's clock, `why` for one not collected."""

    uid: UUID
    pickup: int
    what: str
    at: datetime
    why: str = ""


def take(actor: Actor, told: Told) -> CrewStep:
    """Takes a step that was told, perhaps long after; the same `uid` again is the same step.

    Raises Denied, Missing, Invalid, Conflict ("key_used" for an id of another step, "pickup_..." where it cannot be
    done any more).
    """
    require(actor, DRIVE)
    try:
        with transaction.atomic():
            return _taken(actor, told)
    except IntegrityError:
        # Two who sent it at one moment, for two pickups: one of them was first.
        known = _known(told)
        if known is None:
            raise
        return known


def _known(told: Told) -> CrewStep | None:
    known = CrewStep.objects.filter(uid=told.uid).first()
    if known is not None and (known.pickup_id, known.what, known.why) != (told.pickup, told.what, told.why):
        raise Conflict(_("Another step has this id."), code="key_used", field="id")
    return known


def _taken(actor: Actor, told: Told) -> CrewStep:
    pickup = collecting.locked(told.pickup)
    known = _known(told)
    if known is not None:
        return known
    if told.what == What.SET_OUT:
        collecting.set_out(actor, pickup.pk, at=told.at)
    elif told.what == What.TURN_BACK:
        collecting.turn_back(actor, pickup.pk)
    elif told.what == What.ARRIVE:
        collecting.arrive(actor, pickup.pk, at=told.at)
    elif told.what == What.MISS:
        collecting.miss(actor, pickup.pk, told.why, at=told.at)
    else:
        raise Invalid(_("There is no such thing."), code="no_such_step", field="what")
    return CrewStep.objects.create(
        uid=told.uid,
        pickup=pickup,
        what=told.what,
        why=told.why,
        person_id=actor.person_id,
        told_at=told.at,
        heard_at=timezone.now(),
    )
