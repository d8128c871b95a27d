"""Pages of major incidents: one picture of all that is attached to it, for who is at the desk."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from cityhall.kernel.errors import Missing
from cityhall.kernel.people.actors import actor_of
from cityhall.kernel.people.permissions import may, require
from cityhall.kernel.values import whole
from cityhall.services.safety import incidents
from cityhall.services.safety.actions import ANSWER, SUPERVISE
from cityhall.services.safety.models import Incident
from cityhall.web.layers import chosen_layers

MOST = 50


@never_cache
@require_safe
def listed(request: HttpRequest) -> HttpResponse:
    """Those that go on, and those that are over."""
    require(actor_of(request), ANSWER)
    over = Incident.objects.exclude(ended_at=None)[:MOST]
    return render(request, "safety/incidents.html", {"running": incidents.going_on(), "over": over})


@never_cache
@require_safe
def one(request: HttpRequest, incident_id: int) -> HttpResponse:
    """One picture, one log, one card."""
    actor = actor_of(request)
    context = {"picture": incidents.picture(actor, incident_id), "supervises": may(actor, SUPERVISE)}
    if request.GET.get("part"):
        return render(request, "safety/incident_now.html", context)
    context["layers"] = chosen_layers({"safety/alerts": True, "safety/units": True}, actor)
    return render(request, "safety/incident.html", context)


@require_POST
def step(request: HttpRequest, incident_id: int, name: str) -> HttpResponse:
    """A step with a major incident."""
    actor, post = actor_of(request), request.POST
    text = post.get("text", "").replace("\0", "")
    steps: dict[str, Callable[[], object]] = {
        "note": lambda: incidents.note(actor, incident_id, text),
        "card": lambda: incidents.answer(actor, incident_id, post.get("question", ""), whole(post.get("answer", ""))),
        "stand-down": lambda: incidents.stand_down(actor, incident_id, text),
    }
    if name not in steps:
        raise Missing(_("There is no such step."), code="no_such_step")
    steps[name]()
    return redirect("safety_incident", incident_id=incident_id)
