"""Officers' pages of signals: the list, and one with what was found drawn and told, to be judged."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from cityhall.kernel.errors import CityhallError
from cityhall.kernel.media.links import link
from cityhall.kernel.people.actors import actor_of
from cityhall.services.recycling import charts, signals
from cityhall.services.recycling.models import Signal, Weighing
from cityhall.services.recycling.pages import PHOTO_PX
from cityhall.services.recycling.scales import scale_name
from cityhall.services.recycling.wording import kilograms, number


@never_cache
@require_safe
def listed(request: HttpRequest) -> HttpResponse:
    """Signals that wait, or those of one state."""
    actor = actor_of(request)
    state = request.GET.get("state", "")
    rows = [{"signal": one, "title": _title(one), "told": _told(one)} for one in signals.shown(actor, state)]
    context = {"rows": rows, "state": state, "states": Signal.State.choices}
    return render(request, "recycling/desk_signals.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def one(request: HttpRequest, number: int) -> HttpResponse:
    """One signal: what was found, drawn and as a table, and what an officer makes of it."""
    actor = actor_of(request)
    found = signals.see(actor, number)
    context: dict[str, Any] = {
        "signal": found,
        "title": _title(found),
        "told": _told(found),
        "open": found.state in signals.WAITS,
        "typed": request.POST,
        **_evidence(found),
    }
    if request.method != "POST":
        return render(request, "recycling/desk_signal.html", context)
    try:
        changed = signals.judge(actor, number, request.POST.get("state", ""), request.POST.get("answer", ""))
    except CityhallError as problem:
        return render(request, "recycling/desk_signal.html", context | {"problem": problem}, status=problem.status)
    messages.success(request, _("Noted: %(state)s.") % {"state": Signal.State(changed.state).label})
    return redirect("recycling_signals")


def _title(signal: Signal) -> str:
    """What it is about, in words."""
    if signal.kind == Signal.Kind.SCALE:
        return scale_name(signal.concerns)
    crew = signal.crew.name if signal.crew is not None else "–"
    return f"{crew} · {signal.account or '–'}"


def _told(signal: Signal) -> str:
    """What was found, in a sentence."""
    said = signal.evidence
    if signal.kind == Signal.Kind.SCALE:
        text = _("weighs %(off)s %% more than before") if said["off"] > 0 else _("weighs %(off)s %% less than before")
        return text % {"off": number(abs(said["off"]))}
    if signal.kind == Signal.Kind.PAIR:
        return _("%(count)d weighings together, %(more)d %% above those of others") % {
            "count": said["count"],
            "more": said["more"],
        }
    return _("two photos that are alike by %(alike)d %%") % {"alike": said["alike"]}


def _evidence(signal: Signal) -> dict[str, Any]:
    said = signal.evidence
    if signal.kind == Signal.Kind.SCALE:
        since = date.fromisoformat(said["since"])
        rows = [(date.fromisoformat(day), count, own, others) for day, count, own, others in said["weeks"]]
        return {"since": since, "weeks": charts.weeks(said["weeks"], since), "rows": rows}
    if signal.kind == Signal.Kind.PAIR:
        return _pair(said["weighings"])
    both = (signal.weighing, signal.other)
    return {"photos": [_photo(one) for one in both if one is not None]}


def _pair(rows: list[list[Any]]) -> dict[str, Any]:
    with_crew = [row[2] for row in rows if row[3]]
    elsewhere = [row[2] for row in rows if not row[3]]
    usual = sum(elsewhere) / len(elsewhere) if elsewhere else 0.0
    return {
        "days": charts.days(rows, usual),
        "rows": [(date.fromisoformat(day), kilograms(grams), number(points), own) for day, grams, points, own in rows],
        "brought": number(sum(with_crew)),
        "expected": number(round(usual * len(with_crew))),
    }


def _photo(weighing: Weighing) -> dict[str, Any]:
    grams = sum(line.grams for line in weighing.lines.filter(valid=True))
    return {
        "weighing": weighing,
        "link": link(weighing.photo, PHOTO_PX) if weighing.photo is not None else "",
        "weight": kilograms(grams),
    }
