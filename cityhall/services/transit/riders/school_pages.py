"""Pages of special-school buses: the guardians' and the officer's."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cityhall.kernel.errors import Invalid
from cityhall.kernel.people.actors import actor_of
from cityhall.kernel.people.consents import has_consent
from cityhall.kernel.people.permissions import may, require
from cityhall.kernel.values import whole
from cityhall.kernel.vehicles.models import Vehicle
from cityhall.services.transit import days
from cityhall.services.transit.api import read_point
from cityhall.services.transit.kinds import SCHOOL
from cityhall.services.transit.models import Guardian, Pupil
from cityhall.services.transit.riders import school
from cityhall.services.transit.riders.pages import is_part
from cityhall.web.layers import page_points


@require_safe
@never_cache
def pupils(request: HttpRequest) -> HttpResponse:
    """The pupils one is responsible for; for everybody else, what a parent does to see their child's bus."""
    actor = actor_of(request)
    mine = (
        Guardian.objects.filter(person_id=actor.person_id) if actor.person_id is not None else Guardian.objects.none()
    )
    links = mine.select_related("pupil__vehicle")
    context = {
        "links": links,
        "agreed": bool(actor.person_id and has_consent(actor.person_id, school.CONSENT)),
        "officer": may(actor, school.LINK),
    }
    return render(request, "transit/school.html", context)


def _layer(pupil_id: int) -> dict[str, Any]:
    """The bus as a layer of the guardian's map: it asks again by itself, and listens to no topic others might hear."""
    url = reverse("transit_school_bus", args=[pupil_id])
    return page_points("school-bus", _("School bus"), url, "#c07a00", poll=5)


@login_required
@require_safe
@never_cache
def pupil(request: HttpRequest, pupil_id: int) -> HttpResponse:
    """A pupil's bus, live. Not there for anybody it does not concern."""
    actor, now = actor_of(request), days.now()
    bus = school.bus_of(actor, pupil_id, now)
    found = Pupil.objects.select_related("vehicle").get(pk=pupil_id)
    context: dict[str, Any] = {"pupil": found, "bus": bus, "layers": [_layer(pupil_id)]}
    if bus is not None:
        context |= {
            "age_s": max(0, round((now - bus.state.at).total_seconds())),
            "first": bus.low_s // 60 if bus.low_s is not None else None,
            "last": -(-bus.high_s // 60) if bus.high_s is not None else None,
        }
    return render(request, "transit/school_bus_now.html" if is_part(request) else "transit/school_bus.html", context)


@login_required
@require_safe
@never_cache
def bus_geojson(request: HttpRequest, pupil_id: int) -> JsonResponse:
    """The bus as the map takes it: a collection of one feature, or of none."""
    bus = school.bus_of(actor_of(request), pupil_id, days.now())
    return JsonResponse(school.collection(bus), content_type="application/geo+json")


@login_required
@require_POST
def consent(request: HttpRequest) -> HttpResponse:
    """Agrees to see the bus, or takes that back."""
    actor = actor_of(request)
    if request.POST.get("agree"):
        school.agree(actor)
    else:
        school.disagree(actor)
    return redirect("transit_school")


@login_required
@require_POST
def unlink(request: HttpRequest, guardian_id: int) -> HttpResponse:
    """Ends a link: the officer's or the guardian's own doing."""
    school.unlink_guardian(actor_of(request), guardian_id)
    return redirect("transit_school_office" if request.POST.get("next") == "office" else "transit_school")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def accept(request: HttpRequest, token: str) -> HttpResponse:
    """Shows a guardian's invitation and accepts it."""
    if request.method == "POST":
        school.accept(actor_of(request), token)
        messages.success(request, _("You are entered as guardian. Agree below to see the bus."))
        return redirect("transit_school")
    return render(request, "transit/school_accept.html", {"invitation": school.invitation(token)})


@login_required
@require_safe
@never_cache
def office(request: HttpRequest) -> HttpResponse:
    """The officer's page: buses, pupils, guardians."""
    require(actor_of(request), school.LINK)
    context = {
        "vehicles": Vehicle.objects.filter(kind=SCHOOL),
        "pupils": Pupil.objects.select_related("vehicle").prefetch_related("guardians__person"),
    }
    return render(request, "transit/school_office.html", context)


def _number(text: str) -> int:
    return whole(text) or 0


@login_required
@require_POST
def office_change(request: HttpRequest) -> HttpResponse:
    """One change by the officer; which one the form says."""
    actor, post = actor_of(request), request.POST
    what = post.get("what")
    if what == "bus":
        school.hide_bus(actor, post.get("public_id", ""), post.get("label", ""))
    elif what == "pupil":
        stop, place = (
            (post.get(end, ""), read_point(f"{post.get(f'{end}_lon', '')},{post.get(f'{end}_lat', '')}", end))
            for end in ("stop", "school")
        )
        school.add_pupil(actor, post.get("reference", ""), _number(post.get("vehicle", "")), stop, place)
    elif what == "guardian":
        school.link_guardian(actor, _number(post.get("pupil", "")), post.get("email", ""))
    elif what == "remove":
        school.remove_pupil(actor, _number(post.get("pupil", "")))
    else:
        raise Invalid(_("It is not said what to change."), field="what")
    messages.success(request, _("Done."))
    return redirect("transit_school_office")
