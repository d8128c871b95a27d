"""Pages of a unit's telephone: where to go, and how far it is."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from cityhall.kernel.errors import Missing
from cityhall.kernel.people.actors import Actor, actor_of
from cityhall.kernel.people.permissions import require
from cityhall.kernel.places.point import Point
from cityhall.services.safety import choosing, coverage, dispatching, premises, stream, talking
from cityhall.services.safety.models import Assignment, Move, Unit


def own_unit(actor: Actor) -> Unit | None:
    """The unit that somebody rides in."""
    if actor.person_id is None:
        return None
    return Unit.objects.filter(person_id=actor.person_id).first()


@never_cache
@require_safe
def unit(request: HttpRequest) -> HttpResponse:
    """The unit's own page: on duty or not, what it is offered, where it goes."""
    actor = actor_of(request)
    require(actor, "safety.ride_unit")
    own = own_unit(actor)
    current = None
    if own is not None:
        current = own.assignments.filter(state__in=choosing.BUSY).select_related("alert__button", "meeting").first()
    context = {
        "unit": own,
        "current": current,
        "goal": _goal(current),
        "move": Move.objects.filter(unit=own, state__in=coverage.OPEN).first()
        if own is not None and current is None
        else None,
        "no_door": current is not None and talking.no_door(current.alert),
        "until_ms": stream.millis(_until(current)),
        "now_ms": stream.millis(timezone.now()),
        "known": current is not None and current.state in dispatching.WORKING and bool(premises.around(current.alert)),
        "part": bool(request.GET.get("part")),
        "key": secrets.token_hex(16),
    }
    return render(request, f"safety/{'unit_now' if context['part'] else 'unit'}.html", context)


def _goal(current: Assignment | None) -> Point | None:
    """Where the crew is to go."""
    if current is None:
        return None
    meeting = getattr(current, "meeting", None)
    return meeting.point if meeting is not None else current.alert.point


def _until(current: Assignment | None) -> datetime | None:
    """When an offer goes to the next unit, or by when the crew says that all is well."""
    if current is None or current.state != Assignment.State.OFFERED:
        return current.check_at if current else None
    return current.offered_at + timedelta(seconds=dispatching.OFFER_S)


@require_POST
def step(request: HttpRequest, name: str) -> HttpResponse:
    """The crew goes on duty or off, or calls for help itself."""
    actor = actor_of(request)
    own = own_unit(actor)
    if own is None:
        raise Missing(_("You ride in no unit."), code="no_unit", mend=_("Ask the control desk to enter you."))
    if name == "help":
        dispatching.help_me(actor, own.pk, press=request.POST.get("key", ""))
    else:
        dispatching.duty(actor, own.pk, on=name == "on")
    return redirect("safety_unit")


@require_POST
def assignment(request: HttpRequest, assignment_id: int, name: str) -> HttpResponse:
    """The crew accepts, refuses, is there, is well, is done."""
    steps = {
        "accept": dispatching.accept,
        "refuse": dispatching.refuse,
        "arrive": dispatching.arrive,
        "well": dispatching.all_well,
        "done": dispatching.done,
    }
    steps[name](actor_of(request), assignment_id)
    return redirect("safety_unit")
