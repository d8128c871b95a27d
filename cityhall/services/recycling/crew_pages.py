"""The crew's round on a telephone: who is next, on the way, weigh by hand, or why not. Each form carries its own id."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cityhall.kernel import values
from cityhall.kernel.errors import CityhallError, Invalid, Missing
from cityhall.kernel.media.links import link
from cityhall.kernel.media.storing import made
from cityhall.kernel.people.actors import actor_of
from cityhall.kernel.people.permissions import require
from cityhall.services.recycling import collecting, coming, planning, queries, showing, weighing, workflow
from cityhall.services.recycling.models import Pickup, Quality, Weighing
from cityhall.services.recycling.pages import PHOTO_PX, form_key
from cityhall.services.recycling.pictures import drawing
from cityhall.services.recycling.rules import today
from cityhall.services.recycling.tariffs import Line
from cityhall.services.recycling.weighing import Said
from cityhall.services.recycling.wording import kilograms
from cityhall.services.recycling.workflow import State, Why
from cityhall.web.security import permissions
from cityhall.web.undo import done

MOST_KG = 5000


@never_cache
@require_safe
def round_page(request: HttpRequest) -> HttpResponse:
    """A day's pickups, today's where no day is asked for."""
    require(actor_of(request), planning.DRIVE)
    day = values.day(request.GET.get("day", "")) or today()
    truck = request.GET.get("truck", "")[:40]
    read = coming.day_read(day)
    rows = queries.round_as(read, day, truck)
    left = [one for one in rows if one.state in workflow.OPEN]
    context = {"day": day, "today": today(), "left": left, "over": [one for one in rows if one not in left]}
    context |= {"truck": truck, "standings": coming.standings(read) if read is not None else []}
    template = "recycling/round_now.html" if request.GET.get("part") else "recycling/round.html"
    return render(request, template, context)


def _find(number: int) -> Pickup:
    found = (
        Pickup.objects.select_related("account", "person", "photo")
        .prefetch_related("estimates__material")
        .filter(pk=number)
    )
    pickup = found.first() if number < 2**63 else None
    if pickup is None:
        raise Missing(_("There is no such pickup."), code="no_such_pickup")
    return pickup


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def stop(request: HttpRequest, number: int) -> HttpResponse:
    """One stop: what stands there, and the form to weigh it."""
    actor = actor_of(request)
    require(actor, planning.DRIVE)
    pickup = _find(number)
    context = _shown(pickup, request.POST)
    if request.method != "POST":
        answer = render(request, "recycling/stop.html", context)
        answer["Permissions-Policy"] = permissions(scales=True)
        return answer
    try:
        post = request.POST
        said = Said(
            form_key(post.get("key", "")),
            lines_of(post),
            timezone.now(),
            pickup=pickup.pk,
            code=post.get("code", "").strip()[:12],
            seen=post.get("seen", Weighing.Seen.NOBODY)[:10],
            signature=post.get("signature", ""),
        )
        if said.seen == Weighing.Seen.CODE and not showing.may_be(said.code):
            raise Invalid(_("This is no code."), code="no_code", field="code", mend=_("Let them read it again."))
        with drawn_of(request) as pictures:
            found = weighing.weigh(actor, said, pictures=pictures)
    except CityhallError as problem:
        return render(request, "recycling/stop.html", context | {"problem": problem}, status=problem.status)
    grams = sum(line.grams for line in found.lines.filter(valid=True))
    messages.success(request, _("Weighed: %(weight)s.") % {"weight": kilograms(grams)})
    return redirect("recycling_round")


@contextmanager
def drawn_of(request: HttpRequest) -> Iterator[weighing.Pictures]:
    """The photo and the drawn signature that came with a form, made safe. Raises what `made` does."""
    sent = {name: file for name in ("photo", "drawn") if (file := request.FILES.get(name)) is not None}
    with made(list(sent.values())) as ready:
        yield weighing.Pictures(**dict(zip(sent, ready, strict=True)))


def _shown(pickup: Pickup, typed: QueryDict) -> dict[str, Any]:
    estimated = {one.material.key: one for one in pickup.estimates.all()}
    rows = [
        {
            "material": one,
            "drawing": drawing(one.picture),
            "estimate": estimated.get(one.key),
            "kg": typed.get(f"kg-{one.key}", ""),
            "quality": typed.get(f"quality-{one.key}", "clean"),
        }
        for one in queries.materials()
    ]
    rows.sort(key=lambda row: row["estimate"] is None)
    return {
        "pickup": pickup,
        "photo": link(pickup.photo, PHOTO_PX) if pickup.photo is not None else "",
        "rows": rows,
        "qualities": Quality.choices,
        "seens": [one for one in Weighing.Seen.choices if one[0] != Weighing.Seen.OTHER],
        "whys": Why.choices,
        "typed": typed,
        "key": typed.get("key") or uuid.uuid4(),
        "open": workflow.can("weigh", pickup.state),
        # What a crew's telephone reckons with: one that it has arrived at is still on the way, as the city says it.
        "stands": "arrived" if pickup.state == State.ON_WAY and pickup.came_at is not None else pickup.state,
        "demo": settings.CITY.slug == settings.DEMO,
    }


def lines_of(post: QueryDict) -> tuple[Line, ...]:
    """The weights of a form: `kg-<material>` in kilograms, `quality-<material>`. Raises Invalid."""
    lines = []
    for name, text in post.items():
        if not name.startswith("kg-") or not str(text).strip():
            continue
        amount = values.decimal(str(text).strip().replace(",", "."))
        if amount is None or not 0 <= amount <= MOST_KG:
            raise Invalid(_("This is no weight."), code="bad_weight", field=name, mend=_("Write kilograms, as 3.25."))
        if round(amount * 1000):
            key = name.removeprefix("kg-")
            lines.append(Line(key, round(amount * 1000), str(post.get(f"quality-{key}", "clean"))[:10]))
    return tuple(lines)


@require_POST
def act(request: HttpRequest, number: int, what: str) -> HttpResponse:
    """On the way, not on the way after all, at the door, or why nothing was collected."""
    actor = actor_of(request)
    require(actor, planning.DRIVE)
    try:
        if what == "set-out":
            collecting.set_out(actor, number)
            done(request, _("They were told that you come."), reverse("recycling_stop_act", args=[number, "turn-back"]))
            return redirect("recycling_stop", number=number)
        if what == "turn-back":
            collecting.turn_back(actor, number)
            messages.success(request, _("It stands in the round again."))
        elif what == "arrive":
            collecting.arrive(actor, number)
            return redirect("recycling_stop", number=number)
        elif what == "miss":
            collecting.miss(actor, number, request.POST.get("why", ""))
            messages.success(request, _("Noted, and they were told why."))
        else:
            raise Missing(_("There is no such thing."))
    except CityhallError as problem:
        messages.warning(request, str(problem))
        return redirect("recycling_stop", number=number)
    return redirect("recycling_round")
