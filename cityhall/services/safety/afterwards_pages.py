"""Pages of what comes after: for whoever was harassed, by the code of their call; and for who reads statements."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from cityhall.kernel.limits.sources import source_of
from cityhall.kernel.limits.spending import spend
from cityhall.kernel.people.actors import actor_of
from cityhall.kernel.people.permissions import may, require
from cityhall.services.safety import afterwards
from cityhall.services.safety.actions import ANSWER
from cityhall.services.safety.models import Choice, Statement
from cityhall.services.safety.pages import TRIES, WINDOW_S, found

LISTED = 200


@never_cache
@require_safe
def after(request: HttpRequest, code: str) -> HttpResponse:
    """What next: the three choices, what was chosen, and whom one can talk to."""
    alert = found(request, code)
    chosen = Choice.objects.filter(alert=alert).last()
    context = {
        "alert": alert,
        "code": code,
        "chosen": chosen,
        "choices": Choice.What.choices,
        "statement": Statement.objects.filter(alert=alert).first(),
        "support": afterwards.support(),
        "longest": afterwards.LONGEST,
    }
    answer = render(request, "safety/after.html", context)
    answer["Referrer-Policy"] = "same-origin"
    return answer


@require_POST
def step(request: HttpRequest, code: str, name: str) -> HttpResponse:
    """Somebody chooses, makes a statement, or takes it back. Raises Missing, Invalid, TooMany."""
    found(request, code)
    spend("safety afterwards", source_of(request), TRIES, WINDOW_S)
    if name == "choose":
        afterwards.choose(code, request.POST.get("what", ""))
    elif name == "state":
        text = request.POST.get("text", "").replace("\0", "")
        afterwards.state(code, text, language=get_language() or "")
    else:
        afterwards.take_back(code)
    return redirect("safety_after", code=code)


@never_cache
def hand_code(request: HttpRequest, alert_id: int) -> HttpResponse:
    """A page of its own with a code for whoever has none: it is in the answer to the press and nowhere else."""
    actor = actor_of(request)
    if request.method != "POST" and not may(actor, ANSWER):
        require(actor, "safety.ride_unit")
    code = afterwards.hand_code(actor, alert_id) if request.method == "POST" else ""
    return render(request, "safety/code.html", {"code": code})


@never_cache
@require_safe
def statements(request: HttpRequest) -> HttpResponse:
    """Which calls have a statement; nothing of what they say."""
    require(actor_of(request), afterwards.READ)
    rows = Statement.objects.select_related("alert__journey").defer("text").order_by("-written_at")[:LISTED]
    return render(request, "safety/statements.html", {"statements": rows})


@never_cache
@require_safe
def statement(request: HttpRequest, alert_id: int) -> HttpResponse:
    """One statement. That somebody looked is in the journal. Raises Denied, Missing."""
    one = afterwards.read(actor_of(request), alert_id)
    answer = render(request, "safety/statement.html", {"statement": one})
    answer["Referrer-Policy"] = "same-origin"
    return answer
