"""Pages of a way that others follow: for whoever goes, and for those who follow."""

from __future__ import annotations

import secrets

from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from cityhall.kernel import values
from cityhall.kernel.errors import CityhallError, Invalid
from cityhall.kernel.limits.sources import source_of
from cityhall.kernel.limits.spending import spend
from cityhall.kernel.people.actors import actor_of
from cityhall.services.safety import escort_telling, escorts
from cityhall.services.safety.models import Escort, EscortFollower
from cityhall.services.safety.pages import TRIES, TRIES_S, place_in

BEGINS, BEGINS_S = 30, 3600.0
PLACES, PLACES_S = 240, 60.0
"""Places that come from one connection: a bus full of people who are followed may share it."""
TOLD, TOLD_S = 20, 86_400.0
"""Addresses that are told because of one account or connection: the city is nobody's letter-box."""
MINUTES = (15, 30, 45, 60, 90, 120, 180)


@never_cache
@require_safe
def start(request: HttpRequest) -> HttpResponse:
    """Where one begins to be followed, and what one has begun while signed in."""
    return _start(request, request.GET)


def _start(request: HttpRequest, given: QueryDict, problem: CityhallError | None = None) -> HttpResponse:
    actor = actor_of(request)
    own = Escort.objects.filter(person_id=actor.person_id or 0, state__in=escorts.ON)
    minutes = values.whole(given.get("minutes", ""), 180) or 30
    context = {"minutes": MINUTES, "chosen": minutes, "own": own, "signed_in": actor.person_id is not None}
    context |= {"typed": given, "problem": problem, "most": escort_telling.MOST, "key": secrets.token_hex(16)}
    return render(request, "safety/escort_start.html", context, status=problem.status if problem else 200)


@require_POST
def begin(request: HttpRequest) -> HttpResponse:
    """Begins it; what was typed wrong is shown with what was typed. Raises TooMany."""
    spend("safety escort", source_of(request), BEGINS, BEGINS_S)
    minutes = values.whole(request.POST.get("minutes", ""), 10_000) or 0
    name, tell, key = (request.POST.get(field, "").replace("\0", "") for field in ("name", "tell", "key"))
    try:
        told = escort_telling.addresses(tell)
        for _address in told:
            spend("safety escort told", source_of(request), TOLD, TOLD_S)
        calls = request.POST.get("calls") == "1"
        made = escorts.begin(actor_of(request), minutes, name=name, calls=calls, tell=told, key=key)
    except Invalid as problem:
        return _start(request, request.POST, problem)
    return redirect("safety_escort_own", own=made.own)


def _tried(request: HttpRequest, code: str, *, own: bool) -> Escort:
    """Whoever guesses codes is soon refused. Raises Missing, TooMany."""
    try:
        return escorts.by_own(code) if own else escorts.by_watch(code)
    except CityhallError:
        spend("safety code", source_of(request), TRIES, TRIES_S)
        raise


@never_cache
@require_safe
def own(request: HttpRequest, own: str) -> HttpResponse:
    """The page of whoever goes: the link to give away, and "I have arrived". It tells where they are."""
    one = _tried(request, own, own=True)
    watch = request.build_absolute_uri(f"/safety/escort/watch/{escorts.watch_code(own)}/")
    context = {"escort": one, "code": own, "watch": watch, "on": one.state in escorts.ON, "more": escorts.MORE}
    context["call"] = escorts.call_code(one)
    part = "escort_own_now" if request.GET.get("part") else "escort_own"
    answer = render(request, f"safety/{part}.html", context)
    answer["Referrer-Policy"] = "same-origin"
    return answer


@require_POST
def here(request: HttpRequest, own: str) -> JsonResponse:
    """Where the browser is. Raises Missing, Invalid, TooMany."""
    _tried(request, own, own=True)
    spend("safety escort place", source_of(request), PLACES, PLACES_S)
    point = place_in(request.POST.get("lon", ""), request.POST.get("lat", ""))
    if point is None:
        raise Invalid("", code="no_place", field="lon")
    accuracy = values.decimal(request.POST.get("accuracy", ""))
    accuracy = accuracy if accuracy is not None and 0 <= accuracy < 1e6 else None
    return JsonResponse({"on": escorts.here(own, point, accuracy)})


@require_POST
def step(request: HttpRequest, own: str, name: str) -> HttpResponse:
    """Whoever goes has arrived, ends it, or needs longer."""
    _tried(request, own, own=True)
    if name == "longer":
        escorts.longer(own)
    else:
        escorts.end(own, arrived=name == "arrived")
    return redirect("safety_escort_own", own=own)


@require_POST
def end_own(request: HttpRequest, escort_id: int) -> HttpResponse:
    """The same from the page where one begins, for whoever is signed in."""
    escorts.end_own(actor_of(request), escort_id, arrived=request.POST.get("arrived") == "1")
    return redirect("safety_escort")


@never_cache
@require_safe
def watch(request: HttpRequest, code: str) -> HttpResponse:
    """The page of those who follow: whether somebody has arrived, and where they were last."""
    return _watch(request, _tried(request, code, own=False), {"tell": reverse("safety_escort_tell", args=[code])})


@never_cache
@require_safe
def told(request: HttpRequest, code: str) -> HttpResponse:
    """The same for one who is told of it, by their own code."""
    follower = _told(request, code)
    return _watch(request, follower.escort, {"stop": reverse("safety_escort_untold", args=[code])})


def _watch(
    request: HttpRequest, one: Escort, more: dict[str, str], problem: CityhallError | None = None
) -> HttpResponse:
    part = "escort_watch_now" if request.GET.get("part") else "escort_watch"
    context = {"escort": one, "address": request.path, "signed_in": actor_of(request).person_id is not None} | more
    answer = render(
        request, f"safety/{part}.html", context | {"problem": problem}, status=problem.status if problem else 200
    )
    answer["Referrer-Policy"] = "same-origin"
    return answer


@require_POST
def tell(request: HttpRequest, code: str) -> HttpResponse:
    """Whoever has the link wants to be told: their page is another from then on. Raises Missing, Conflict, TooMany."""
    one = _tried(request, code, own=False)
    spend("safety escort told", source_of(request), TOLD, TOLD_S)
    try:
        follower = escort_telling.follow(actor_of(request), one, request.POST.get("tell", "").replace("\0", ""))
    except Invalid as problem:
        address = reverse("safety_escort_watch", args=[code])
        return _watch(request, one, {"tell": request.path, "address": address}, problem)
    return redirect(escort_telling.path_of(follower))


@require_POST
def untold(request: HttpRequest, code: str) -> HttpResponse:
    """One who follows wants to be told no more. Raises Missing, TooMany."""
    _told(request, code)
    escort_telling.stop(code)
    return render(request, "safety/escort_untold.html")


def _told(request: HttpRequest, code: str) -> EscortFollower:
    try:
        return escort_telling.by_code(code)
    except CityhallError:
        spend("safety code", source_of(request), TRIES, TRIES_S)
        raise
