"""The officers' page of tariffs: past, now and to come, what each gave, and the form for a new one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from cityhall.kernel import values
from cityhall.kernel.errors import CityhallError, Invalid
from cityhall.kernel.people.actors import actor_of
from cityhall.kernel.people.permissions import require
from cityhall.services.recycling import pricing, queries
from cityhall.services.recycling.pages import told
from cityhall.services.recycling.rules import today
from cityhall.services.recycling.wording import kilograms, number


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def tariffs(request: HttpRequest) -> HttpResponse:
    """Tariffs and campaigns, and a new tariff."""
    actor = actor_of(request)
    require(actor, pricing.CHANGE)
    if request.method != "POST":
        return render(request, "recycling/desk_tariffs.html", _shown(request.POST))
    post = request.POST
    try:
        since = values.day(post.get("since", ""))
        points, mixed = values.whole(post.get("points", "")), values.whole(post.get("mixed_percent", ""), 100)
        if since is None:
            raise Invalid(_("Say from which day on."), code="no_day", field="since")
        if points is None or mixed is None:
            raise Invalid(_("This is no tariff."), code="bad_tariff", field="points", mend=_("Write whole points."))
        pricing.set_tariff(actor, post.get("material", "")[:40], since, points, mixed)
    except CityhallError as problem:
        context = _shown(post) | {"problem": problem}
        return render(request, "recycling/desk_tariffs.html", context, status=problem.status)
    messages.success(request, _("Set. It holds from its day on."))
    return redirect("recycling_tariffs")


def _shown(typed: QueryDict) -> dict[str, Any]:
    whens = {"past": _("over"), "now": _("now"), "coming": _("to come")}
    return {
        "rows": [
            {
                "material": material,
                "held": [
                    {"one": one, "when": whens[one.when], "grams": kilograms(one.grams), "points": number(one.points)}
                    for one in held
                ],
            }
            for material, held in pricing.tariffs()
        ],
        "campaigns": [
            {"one": one, "when": whens[one.when], "grams": kilograms(one.grams), "points": number(one.points)}
            for one in pricing.campaigns()
        ],
        "materials": list(queries.materials()),
        "today": today().isoformat(),
        "since": typed.get("since") or (today() + timedelta(days=1)).isoformat(),
        "typed": typed,
    }


@require_POST
def drop(request: HttpRequest, number: int) -> HttpResponse:
    """Takes back a tariff that is to come."""
    with told(request):
        pricing.drop_tariff(actor_of(request), number)
        messages.success(request, _("Taken back."))
    return redirect("recycling_tariffs")
