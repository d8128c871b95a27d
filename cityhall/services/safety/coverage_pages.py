"""The page of who is reached in time now, and the move that would better it: for who is at the desk."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from cityhall.kernel.errors import Missing
from cityhall.kernel.people.actors import actor_of
from cityhall.kernel.people.permissions import require
from cityhall.kernel.values import whole
from cityhall.services.safety import coverage, moves
from cityhall.services.safety.actions import ANSWER
from cityhall.services.safety.models import Coverage, Move
from cityhall.web.layers import chosen_layers

OLD = timedelta(seconds=3 * coverage.STALE_S)


@never_cache
@require_safe
def screen(request: HttpRequest) -> HttpResponse:
    """How much of the city is within five minutes of a free unit, and what would better it."""
    actor = actor_of(request)
    require(actor, ANSWER)
    now = timezone.now()
    picture = Coverage.objects.select_related("unit").filter(pk=1).first()
    lately = Move.objects.filter(offered_at__gt=now - timedelta(hours=1)).select_related("unit").order_by("-pk")
    context: dict[str, Any] = {
        "picture": picture,
        "old": picture is not None and now - picture.made_at > OLD,
        "moves": lately,
        "most": coverage.moves_an_hour(),
        "full": len(lately) >= coverage.moves_an_hour(),
        "minutes": round(coverage.WITHIN_S / 60),
    }
    if request.GET.get("part"):
        return render(request, "safety/coverage_now.html", context)
    context["layers"] = chosen_layers({"safety/coverage": True, "safety/units": True}, actor)
    return render(request, "safety/coverage.html", context)


@require_POST
def move(request: HttpRequest) -> HttpResponse:
    """Asks the unit that is suggested to wait elsewhere. Raises Denied, Conflict."""
    moves.offer(actor_of(request), whole(request.POST.get("unit", "")) or 0)
    return redirect("safety_coverage")


@require_POST
def step(request: HttpRequest, move_id: int, name: str) -> HttpResponse:
    """The crew goes there, stays, or is there. Raises Missing, Denied, Conflict."""
    steps = {"accept": moves.accept, "refuse": moves.refuse, "arrive": moves.arrive}
    if name not in steps:
        raise Missing(_("There is no such step."), code="no_such_step")
    steps[name](actor_of(request), move_id)
    return redirect("safety_unit")
