"""Officers' pages: what is out of the ordinary, contested weights, buildings' accounts; and a partner shop's page."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cityhall.kernel import values
from cityhall.kernel.errors import CityhallError, Denied, Invalid, Missing
from cityhall.kernel.people.actors import actor_of
from cityhall.kernel.people.permissions import may, require
from cityhall.services.recycling import (
    accounts,
    collecting,
    coming,
    contesting,
    figures,
    planning,
    queries,
    signals,
    spending,
)
from cityhall.services.recycling.contesting import DECIDE
from cityhall.services.recycling.crew_pages import lines_of
from cityhall.services.recycling.models import Account, Contest, Partner, Pickup, Quality, Voucher, Weighing
from cityhall.services.recycling.pages import weighing_context
from cityhall.services.recycling.rounds import grams_of
from cityhall.services.recycling.rules import today
from cityhall.services.recycling.wording import number, percent, summed

SHOWN = 12
"""So many who wait for a window are shown at once: for each, what the rounds of all days can keep is reckoned."""


@never_cache
@require_safe
def desk(request: HttpRequest) -> HttpResponse:
    """Today's pickups in figures, who waits for a window, windows that were missed, contested weights, buildings."""
    actor = actor_of(request)
    require(actor, DECIDE)
    waiting, (every, left) = queries.without_window(), queries.counted(today())
    context: dict[str, Any] = {
        "today": every,
        "left": left,
        "asked": [{"pickup": one, "windows": _windows(one)} for one in waiting[:SHOWN]],
        "asked_more": max(0, len(waiting) - SHOWN),
        "overdue": queries.overdue(),
        "contests": queries.contests(),
        "signals": signals.waiting(actor),
        "buildings": Account.objects.filter(kind=Account.Kind.BUILDING).order_by("name"),
        "may_open": may(actor, accounts.OFFICER),
        "by_zone": [(name or _("outside all districts"), summed(grams)) for name, grams in figures.by_zone()],
        "by_material": [(name, summed(grams)) for name, grams in figures.by_material()],
        "kept": percent(figures.kept_windows()),
        "spent": [(_spent_on(what), number(amount)) for what, amount in sorted(figures.mix().items())],
    }
    return render(request, "recycling/desk.html", context | coming.desk_part())


def _windows(one: Pickup) -> list[planning.Window]:
    return planning.offers(one.zone, 6, point=one.point, grams=grams_of(one))


def _spent_on(what: str) -> str:
    return {"fees": _("waste fee"), "shops": _("partner shops"), "payouts": _("paid out")}.get(what, what)


@require_POST
def promise(request: HttpRequest, pk: int) -> HttpResponse:
    """Promises a window to somebody who waits for one."""
    actor = actor_of(request)
    require(actor, planning.DRIVE)
    try:
        begin = values.moment(request.POST.get("begin", ""), settings.CITY.zone)
        if begin is None:
            raise Invalid(_("Choose a time."), code="no_time", field="begin")
        collecting.promise(actor, pk, begin)
        messages.success(request, _("Promised, and they were told."))
    except CityhallError as problem:
        messages.warning(request, str(problem))
    return redirect("recycling_desk")


@require_POST
def building(request: HttpRequest) -> HttpResponse:
    """Opens a building's account."""
    try:
        made = accounts.open_building(actor_of(request), request.POST.get("name", ""), request.POST.get("email", ""))
        messages.success(
            request, _("%(name)s has an account: its card is %(code)s.") % {"name": made.name, "code": made.code}
        )
    except Denied:
        raise
    except CityhallError as problem:
        messages.warning(request, str(problem))
    return redirect("recycling_desk")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def weight(request: HttpRequest, uid: uuid.UUID) -> HttpResponse:
    """A contested weight: what both say, and the decision."""
    actor = actor_of(request)
    require(actor, DECIDE)
    found = Weighing.objects.select_related("account", "pickup", "place", "photo", "person").filter(uid=uid).first()
    case = Contest.objects.filter(weighing=found).select_related("person", "officer").first() if found else None
    if found is None or case is None:
        raise Missing(_("There is no such weighing."), code="no_such_weighing")
    rows = [
        {"material": one, "kg": _kg(found, one.key), "quality": _quality(found, one.key)} for one in queries.materials()
    ]
    context = weighing_context(found) | {
        "case": case,
        "rows": rows,
        "qualities": Quality.choices,
        "typed": request.POST,
    }
    if request.method != "POST":
        return render(request, "recycling/desk_weight.html", context)
    try:
        lines = lines_of(request.POST) if request.POST.get("verdict") == "corrected" else None
        contesting.decide(actor, uid, lines, request.POST.get("answer", ""))
        messages.success(request, _("Decided, and they were told."))
    except CityhallError as problem:
        return render(request, "recycling/desk_weight.html", context | {"problem": problem}, status=problem.status)
    return redirect("recycling_desk")


def _kg(found: Weighing, key: str) -> str:
    line = found.lines.filter(valid=True, material__key=key).first()
    return f"{line.grams / 1000:g}" if line is not None else ""


def _quality(found: Weighing, key: str) -> str:
    line = found.lines.filter(valid=True, material__key=key).first()
    return str(line.quality) if line is not None else "clean"


def _may_redeem(request: HttpRequest) -> bool:
    actor = actor_of(request)
    return any(may(actor, spending.REDEEM, one.scope) for one in Partner.objects.filter(active=True))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def shop(request: HttpRequest) -> HttpResponse:
    """A shop's page: a code is looked at, redeemed once, and what was brought back is taken back."""
    actor = actor_of(request)
    if not _may_redeem(request):
        require(actor, spending.REDEEM)
    code = (request.POST.get("code") or request.GET.get("code") or "").strip().upper()[:10]
    found = Voucher.objects.select_related("offer__partner").filter(code=code).first() if code else None
    if found is not None and not may(actor, spending.REDEEM, found.offer.partner.scope):
        found = None
    if request.method == "POST" and code:
        try:
            if request.POST.get("what") == "redeem":
                spending.redeem(actor, code)
                messages.success(request, _("Redeemed. Hand it out."))
            else:
                spending.give_back(actor, code, values.whole(request.POST.get("count", ""), 99) or 0)
                messages.success(request, _("Taken back. The points went back too."))
        except CityhallError as problem:
            messages.warning(request, str(problem))
        return redirect(f"{request.path}?code={code}")
    return render(request, "recycling/shop.html", {"code": code, "voucher": found})
