"""Pages for everybody: the button, the call that it became, and how to find that again."""

from __future__ import annotations

from secrets import token_hex

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.http import require_POST, require_safe

from cityhall.kernel import values
from cityhall.kernel.errors import CityhallError
from cityhall.kernel.limits.sources import source_of
from cityhall.kernel.limits.spending import spend
from cityhall.kernel.people.actors import actor_of
from cityhall.kernel.places.point import Point
from cityhall.kernel.vehicles.models import Vehicle
from cityhall.services.safety import calling, escorts, stream, talking, voice
from cityhall.services.safety.models import Alert, Line
from cityhall.services.safety.phrases import CALLER
from cityhall.services.safety.pressing import Pressed, press
from cityhall.services.safety.workflow import HELD, State
from cityhall.web.security import permissions

MOST, WINDOW_S = 600, 60.0
"""Presses from one connection, which a whole stadium may share."""
TRIES, TRIES_S = 30, 600.0
"""Codes that somebody may try from one connection."""
TEXTS = 120
"""What may be written from one connection in WINDOW_S, which many who call may share."""


@cache_control(no_cache=True, private=True)
@require_safe
def button(request: HttpRequest) -> HttpResponse:
    """The button. A code on a bus leads here with its number; a place on the map with that.

    Without a script the form has a key of the page's own: sent twice it is one call, opened again another. A telephone
    may keep the page for when there is no network: its script makes up a key for each call.
    """
    vehicle = vehicle_of(request.GET.get("bus", ""))
    kind = request.GET.get("kind", "")
    context = {
        "vehicle": vehicle,
        "kind": kind if kind in Alert.Kind.values else Alert.Kind.HARASSMENT if vehicle else Alert.Kind.PANIC,
        "kinds": [Alert.Kind.PANIC, Alert.Kind.HARASSMENT, Alert.Kind.MEDICAL, Alert.Kind.FIRE],
        "at": request.GET,
        "key": token_hex(16),
    }
    return render(request, "safety/button.html", context)


@require_POST
def send(request: HttpRequest) -> HttpResponse:
    """A press without a script. Raises Invalid, TooMany."""
    made = pressed_by(request, request.POST)
    return redirect("safety_call", code=made.code)


def pressed_by(request: HttpRequest, given: object) -> Pressed:
    """The press that a form or a program sent. What else is wrong with it is no reason to lose it."""
    spend("safety press", source_of(request), MOST, WINDOW_S)
    get = given.get  # type: ignore[attr-defined]
    point = place_in(str(get("lon", "") or ""), str(get("lat", "") or ""))
    vehicle = vehicle_of(str(get("bus", "") or ""))
    state = getattr(vehicle, "state", None)
    if point is None and state is not None:
        point = Point(*state.point)
    accuracy = get("accuracy")
    made = press(
        actor_of(request),
        str(get("key", "")),
        kind=str(get("kind", "") or Alert.Kind.PANIC),
        point=point,
        accuracy_m=float(accuracy) if isinstance(accuracy, int | float) and 0 <= accuracy < 1e6 else None,
        place=str(vehicle) if vehicle else str(get("place", "") or "").replace("\0", ""),
        vehicle_id=vehicle.pk if vehicle else None,
        phone=str(get("phone", "") or "").replace("\0", ""),
        text=str(get("text", "") or "").replace("\0", ""),
    )
    if way := str(get("way", "") or ""):
        escorts.called(way, made.alert)
    return made


def place_in(lon: str, lat: str) -> Point | None:
    """A place as anybody writes it, None for what is none."""
    if not lon or not lat:
        return None
    try:
        return Point(*values.position(f"{lon},{lat}", "lon"))
    except CityhallError:
        return None


def vehicle_of(public_id: str) -> Vehicle | None:
    """A vehicle that everybody may see, by the number on it."""
    public_id = public_id.replace("\0", "")
    if not public_id:
        return None
    return Vehicle.objects.public().select_related("state").filter(public_id=public_id).first()


@never_cache
@require_safe
def follow(request: HttpRequest) -> HttpResponse:
    """Where a code is typed in."""
    code = "".join(request.GET.get("code", "").split()).lower()
    if not code:
        return render(request, "safety/follow.html", {})
    try:
        found(request, code)
    except CityhallError as problem:
        return render(request, "safety/follow.html", {"problem": problem, "code": code}, status=problem.status)
    return redirect("safety_call", code=code)


def found(request: HttpRequest, code: str) -> Alert:
    """The alert that a code follows; whoever guesses codes is soon refused. Raises Missing, TooMany."""
    try:
        return calling.by_code(code)
    except CityhallError:
        spend("safety code", source_of(request), TRIES, TRIES_S)
        raise


@never_cache
@require_safe
def call(request: HttpRequest, code: str) -> HttpResponse:
    """How a call stands, and what the desk and its caller have written."""
    alert = found(request, code)
    context = {
        "alert": alert,
        "code": code,
        "said": talking.for_caller(alert),
        "phrases": CALLER.items(),
        "key": token_hex(16),
        "live": stream.topic_of(alert),
        "voice": voice.of(alert),
        "held": alert.state in HELD,
        "unit": alert.assignments.filter(state__in=("accepted", "there")).exists(),
        "stage": stage_of(alert),
    }
    part = "call_now" if request.GET.get("part") else "call"
    answer = render(request, f"safety/{part}.html", context)
    answer["Referrer-Policy"] = "same-origin"
    answer["Permissions-Policy"] = permissions(microphone=True)
    return answer


def stage_of(alert: Alert) -> str:
    """How far a call is in the words of whoever called: the same under duress as not."""
    if alert.part_of_id is not None and alert.part_of is not None:
        return stage_of(alert.part_of)
    if alert.cancelled_at is not None:
        return _("You have called it off.")
    return {
        State.WAITING: _("The city has your call. Somebody will answer in a moment."),
        State.ANSWERED: _("The control desk has answered your call."),
        State.SENT: _("Help is on its way."),
        State.THERE: _("Help is there."),
        State.CLOSED: _("Your call is closed."),
        State.MERGED: _("The city has your call."),
    }[State(alert.state)]


@require_POST
def step(request: HttpRequest, code: str, name: str) -> HttpResponse:
    """The caller calls it off, or writes. Held, the first is meant; only tapped, somebody may have forced them."""
    found(request, code)
    if name == "cancel":
        calling.cancel(code, duress=request.POST.get("held") != "1")
    else:
        written(request, code, request.POST)
    return redirect("safety_call", code=code)


def written(request: HttpRequest, code: str, given: object) -> Line:
    """What a form or a program has a caller say. Raises Missing, Invalid, Conflict, TooMany."""
    spend("safety text", source_of(request), TEXTS, WINDOW_S)
    get = given.get  # type: ignore[attr-defined]
    text, phrase, key = (str(get(name, "") or "").replace("\0", "") for name in ("text", "phrase", "key"))
    return calling.tell(code, text, phrase=phrase, key=key)


@never_cache
@require_safe
def voice_now(request: HttpRequest, code: str) -> JsonResponse:
    """How the voice stands, and what the desk's browser answered, for the caller's."""
    return JsonResponse(voice.told(voice.of(found(request, code)), "answer"))


@require_POST
def voice_step(request: HttpRequest, code: str, name: str) -> JsonResponse:
    """The caller lets the desk hear them, hears it, or ends it. Raises Missing, Invalid, Conflict, TooMany."""
    found(request, code)
    spend("safety voice", source_of(request), TRIES, WINDOW_S)
    number = values.whole(request.POST.get("id", "")) or 0
    if name == "offer":
        sdp = request.POST.get("sdp", "").replace("\0", "")
        return JsonResponse(voice.told(voice.offer(code, sdp, hears=request.POST.get("hears") == "1"), "answer"))
    if name == "connected":
        voice.connected(code, number)
    else:
        voice.end_by_caller(code, number, failed=request.POST.get("failed") == "1")
    return JsonResponse({"id": number})
