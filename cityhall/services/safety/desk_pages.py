"""Pages of the control desk. The screen asks for the queue once, and then hears what changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from cityhall.kernel.errors import Missing
from cityhall.kernel.journal import append
from cityhall.kernel.people.actors import Actor, actor_of
from cityhall.kernel.people.permissions import may, require
from cityhall.kernel.values import whole
from cityhall.services.safety import (
    actions,
    alarm_companies,
    buttons,
    calling,
    cameras,
    cards,
    centres,
    choosing,
    desk,
    dispatching,
    escalation,
    exercises,
    figures,
    handovers,
    incidents,
    premises,
    queries,
    recording,
    stream,
    talking,
    voice,
)
from cityhall.services.safety.actions import ANSWER, SUPERVISE
from cityhall.services.safety.models import Alert, Centre
from cityhall.services.safety.premise_pages import with_plans
from cityhall.services.safety.pressing import KINDS
from cityhall.services.safety.recording import SEE_EVIDENCE
from cityhall.services.safety.workflow import HELD, OPERATOR, State, possible
from cityhall.web.layers import chosen_layers
from cityhall.web.security import permissions


@never_cache
@require_safe
def screen(request: HttpRequest) -> HttpResponse:
    """The queue beside the map, for operators. What they see first is what has waited longest."""
    actor = actor_of(request)
    require(actor, ANSWER)
    now = timezone.now()
    good, every = buttons.working(now)
    shifts = desk.present(now)
    context = {
        "queue": stream.queue()[:50],
        "shifts": shifts,
        "own": next((one for one in shifts if one.person_id == actor.person_id), None),
        "working": (good, every),
        "limits": {"levels": escalation.levels(), "send_s": escalation.SEND_S},
        "answered_share": figures.answered_share(),
        "layers": chosen_layers(
            {"safety/alerts": True, "safety/units": True, "safety/meetings": True, "safety/buttons": False}, actor
        ),
        "me": actor.person_id,
        "supervises": may(actor, SUPERVISE),
        "exercises": exercises.running(),
        "incidents": incidents.going_on(),
        "left": handovers.unread(actor, now=now),
        "lately": handovers.lately(now=now),
        "not_over": handovers.not_over(),
        "parts": (("mine", _("Yours")), ("waiting", _("Waiting")), ("others", _("With colleagues"))),
        "words": _words(),
        "changes_cameras": may(actor, cameras.CHANGE),
        "sees_evidence": may(actor, SEE_EVIDENCE),
        "changes_doors": may(actor, alarm_companies.CHANGE),
    }
    answer = render(request, "safety/desk.html", context)
    answer["Permissions-Policy"] = permissions(microphone=True)
    return answer


def _words() -> dict[str, dict[str, str]]:
    """What the screen's script calls kinds, states and doors."""
    return {
        "kinds": {value: str(label) for value, label in Alert.Kind.choices},
        "states": {value: str(label) for value, label in State.choices},
        "doors": {value: str(label) for value, label in Alert.Door.choices},
    }


@never_cache
@require_safe
def queue(request: HttpRequest) -> JsonResponse:
    """Every open alert, the mark by which a screen knows that it has them all, and who is there. For operators."""
    require(actor_of(request), ANSWER)
    rows = [stream.row(alert) for alert in stream.queue()]
    return JsonResponse({"rows": rows, **_now()})


@require_POST
def here(request: HttpRequest) -> JsonResponse:
    """An operator's screen says that it is there, and hears by what mark the queue can be told complete."""
    actor = actor_of(request)
    require(actor, ANSWER)
    handed = handovers.newest(actor, timezone.now())
    return JsonResponse({"shift": desk.here(actor), "handed": handed, **_now()})


def _now() -> dict[str, Any]:
    now = timezone.now()
    shifts = desk.present(now)
    return {
        "mark": stream.mark(),
        "now": stream.millis(now),
        "people": {
            str(one.person_id): {"name": str(one.person), "silent": one.seen_at <= now - desk.SILENT} for one in shifts
        },
    }


@require_POST
def shift(request: HttpRequest, name: str) -> HttpResponse:
    """A shift begins, ends, or hands over what it has."""
    actor = actor_of(request)
    if name == "begin":
        desk.begin(actor, heard=request.POST.get("heard") == "1")
    elif name == "hand-over":
        text = request.POST.get("text", "").replace("\0", "")
        handovers.hand_over(actor, whole(request.POST.get("to", "")), text)
    else:
        desk.end(actor)
    return redirect("safety_desk")


@require_POST
def confirm(request: HttpRequest, number: int) -> HttpResponse:
    """Somebody knows what was left for them."""
    handovers.confirm(actor_of(request), number)
    return redirect("safety_desk")


@never_cache
@require_safe
def alert(request: HttpRequest, alert_id: int) -> HttpResponse:
    """One alert: what is known, what was done, who can be sent. That somebody looked is in the journal."""
    actor = actor_of(request)
    one = _looked_at(actor, alert_id)
    lines = list(one.lines.select_related("who"))
    context = _talk(request, actor, one) | {
        "lines": lines,
        "asked": cards.asked(one, lines),
        "presses": queries.presses(one),
        "known": with_plans(premises.show(actor, one)) if premises.has(actor, one) else [],
        "closed_notes": not premises.has(actor, one) and bool(premises.around(one)),
        "history": queries.history(one),
        "parts": one.parts.all(),
        "incident": one.attached.incident if hasattr(one, "attached") else None,
        "incidents": incidents.going_on().filter(exercise=one.exercise),
        "company_alarms": one.company_alarms.select_related("company"),
        "told_outside": queries.told_outside(one),
        "passings": one.passings.select_related("centre"),
        "centres": Centre.objects.filter(enabled=True) if one.is_open and not one.exercise else [],
        "split_off": one.split_off.all(),
        "kinds": [choice for choice in Alert.Kind.choices if choice[0] in KINDS],
        "assignments": one.assignments.select_related("unit", "meeting").order_by("pk"),
        "choices": choosing.choices(one)[:5] if one.state in HELD else [],
        "steps": {found.name for found in possible(one.state, OPERATOR)},
        "outcomes": Alert.Outcome.choices,
        "cameras": cameras.near(one.point) if one.is_open else [],
        "windows": one.windows.select_related("camera"),
        "sees_evidence": may(actor, SEE_EVIDENCE),
        "others": stream.queue().filter(exercise=one.exercise).exclude(pk=one.pk)[:100],
        "supervises": may(actor, SUPERVISE),
        "reviews": one.state == State.CLOSED and one.outcome == Alert.Outcome.FALSE and one.reviewer_id is None,
    }
    part = "alert_part" if request.GET.get("part") else "alert"
    return render(request, f"safety/{part}.html", context)


def _looked_at(actor: Actor, alert_id: int) -> Alert:
    """An alert that an operator looks at, which is in the journal. Raises Denied, Missing."""
    require(actor, ANSWER)
    wanted = ("button", "vehicle__state", "owner", "part_of", "split_from", "taken__centre", "attached__incident")
    one = Alert.objects.select_related(*wanted).filter(pk=alert_id).first()
    if one is None:
        raise Missing(_("There is no such alert."), code="no_such_alert")
    with transaction.atomic():
        append("safety", "alert.seen", {}, subject=stream.subject(one.pk), actor=str(actor))
    return one


@never_cache
@require_safe
def talk(request: HttpRequest, alert_id: int) -> HttpResponse:
    """What caller and desk have written, and how the voice stands: what changes while an operator types."""
    actor = actor_of(request)
    one = _looked_at(actor, alert_id)
    return render(request, "safety/talk.html", _talk(request, actor, one))


def _talk(request: HttpRequest, actor: Actor, one: Alert) -> dict[str, Any]:
    conversation = talking.for_desk(actor, one, translate="translate" in request.GET)
    own = one.owner_id == actor.person_id
    return conversation | {"alert": one, "own": own, "held": one.state in HELD, "voice": voice.of(one)}


@never_cache
@require_safe
def voice_now(request: HttpRequest, alert_id: int) -> JsonResponse:
    """How the voice stands, and what the caller's browser offers, for the operator's."""
    one = _looked_at(actor_of(request), alert_id)
    return JsonResponse(voice.told(voice.of(one), "offer"))


def _steps(request: HttpRequest, actor: Actor, number: int) -> dict[str, Callable[[], object]]:
    post = request.POST
    text = post.get("text", "").replace("\0", "")
    other = whole(post.get("other", "")) or 0
    return {
        "answer": lambda: actions.answer(actor, number),
        "take-over": lambda: actions.take_over(actor, number, reason=text),
        "put-back": lambda: actions.put_back(actor, number),
        "note": lambda: actions.note(actor, number, text),
        "reply": lambda: calling.reply(actor, number, text, phrase=post.get("phrase", "")),
        "voice-ask": lambda: voice.ask(actor, number),
        "voice-take": lambda: voice.take(actor, number, other, post.get("sdp", "").replace("\0", "")),
        "voice-end": lambda: voice.end_by_desk(actor, number, other, failed=post.get("failed") == "1"),
        "close": lambda: actions.close(actor, number, post.get("outcome", ""), text=text),
        "reopen": lambda: actions.reopen(actor, number, text),
        "agree": lambda: actions.review(actor, number, agreed=True, text=text),
        "disagree": lambda: actions.review(actor, number, agreed=False, text=text),
        "merge": lambda: actions.merge(actor, number, other),
        "unmerge": lambda: actions.unmerge(actor, number),
        "declare": lambda: incidents.declare(actor, text, number),
        "attach": lambda: incidents.attach(actor, other, number),
        "detach": lambda: incidents.detach(actor, number),
        "pass-on": lambda: centres.pass_on(actor, number, other),
        "give-back": lambda: centres.give_back(actor, number, text),
        "split": lambda: actions.split(actor, number, post.get("kind", ""), text=text),
        "send": lambda: dispatching.offer(actor, number, other or None),
        "call-back": lambda: dispatching.call_back(actor, other),
        "card": lambda: cards.answer(actor, number, post.get("question", ""), whole(post.get("answer", ""))),
        "keep": lambda: recording.keep(actor, number, other),
        "not-there": lambda: buttons.not_there(actor, other, text=text),
    }


@require_POST
def step(request: HttpRequest, alert_id: int, name: str) -> HttpResponse:
    """A step with an alert; a script is told how it stands then."""
    taken = _steps(request, actor_of(request), alert_id).get(name)
    if taken is None:
        raise Missing(_("There is no such step."), code="no_such_step")
    taken()
    if request.headers.get("Accept", "").startswith("application/json"):
        return JsonResponse(stream.row(Alert.objects.get(pk=alert_id)))
    return redirect("safety_alert", alert_id=alert_id)


@require_safe
def repair(request: HttpRequest, case_id: int) -> HttpResponse:
    """Where a case of a repair leads, from what its officers are told."""
    return redirect("safety_buttons")
