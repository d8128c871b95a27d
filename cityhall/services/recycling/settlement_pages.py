"""Officers' pages of settlements with shops: what is owed, draw up, release, pay, and the statement to take along."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from cityhall.kernel import values
from cityhall.kernel.errors import CityhallError, Denied, Invalid, Missing
from cityhall.kernel.journal import append
from cityhall.kernel.payments.money import decimals
from cityhall.kernel.people.actors import actor_of
from cityhall.kernel.people.permissions import may, require
from cityhall.services.recycling import settlements
from cityhall.services.recycling.models import Partner, Settlement
from cityhall.services.recycling.pages import told
from cityhall.services.recycling.rules import today
from cityhall.services.recycling.wording import money, number, points
from cityhall.web.tables import answer

SHOWN, SHOWN_LINES = 60, 500


@never_cache
@require_safe
def listed(request: HttpRequest) -> HttpResponse:
    """What is owed to each shop now, and the settlements, the latest first."""
    require(actor_of(request), settlements.DRAW)
    made = Settlement.objects.select_related("partner", "payout").order_by("-month", "-pk")[:SHOWN]
    context = {
        "month": settlements.last_month(),
        "owed": _owed(settlements.last_month()),
        "running": _owed(settlements.month_of(today())),
        "until": settlements.after(today()),
        "rows": [{"one": one, "amount": money(one.amount)} for one in made],
        "unpaid": money(settlements.owed_to_shops()),
    }
    return render(request, "recycling/desk_settlements.html", context)


def _owed(month: date) -> list[tuple[Partner, str, str]]:
    return [(one, points(total), money(worth)) for one, total, worth in settlements.open_amounts(month)]


@require_POST
def draw_up(request: HttpRequest) -> HttpResponse:
    """Draws up what a shop is owed until the end of a month."""
    require(actor_of(request), settlements.DRAW)
    typed = request.POST.get("month", "")
    month = values.day(f"{typed}-01") if typed else settlements.last_month()
    try:
        if month is None:
            raise Invalid(_("This is no month."), code="bad_month", field="month")
        made = settlements.draw_up(actor_of(request), request.POST.get("partner", ""), month)
    except Denied:
        raise
    except CityhallError as problem:
        messages.warning(request, str(problem))
        return redirect("recycling_settlements")
    messages.success(request, _("Drawn up. Another officer has to release it."))
    return redirect("recycling_settlement", number=made.pk)


@never_cache
@require_safe
def one(request: HttpRequest, number: int) -> HttpResponse:
    """One settlement, with its lines and what may be done with it."""
    actor = actor_of(request)
    mine = settlements.find(actor, number)
    waits = mine.state == Settlement.State.DRAWN
    context: dict[str, Any] = {
        "mine": mine,
        "amount": money(mine.amount),
        "points": points(mine.points),
        "carried": money(mine.carried) if mine.carried else "",
        "lines": [
            (line, _shown(line.points))
            for line in mine.lines.select_related("voucher__offer").order_by("at", "pk")[:SHOWN_LINES]
        ],
        "may_release": waits and may(actor, settlements.RELEASE) and mine.drawn_by_id != actor.person_id,
        "may_withdraw": waits or (mine.state == Settlement.State.CARRIED and mine.into_id is None),
        "may_pay": mine.state == Settlement.State.RELEASED and mine.payout is None and may(actor, settlements.RELEASE),
        "waits": waits,
        "today": today().isoformat(),
    }
    return render(request, "recycling/desk_settlement.html", context)


def _shown(amount: int) -> str:
    return number(amount) if amount >= 0 else f"−{number(-amount)}"


@require_POST
def act(request: HttpRequest, number: int, what: str) -> HttpResponse:
    """Releases it, withdraws it, or says that it was paid."""
    actor, post = actor_of(request), request.POST
    with told(request):
        if what == "release":
            settlements.release(actor, number)
            messages.success(request, _("Released."))
        elif what == "withdraw":
            settlements.withdraw(actor, number, post.get("why", ""))
            messages.success(request, _("Withdrawn: what is in it waits again."))
        elif what == "paid":
            settlements.paid(actor, number, values.day(post.get("day", "")), post.get("reference", ""))
            messages.success(request, _("Noted as paid."))
        else:
            raise Missing(_("There is no such thing."))
    return redirect("recycling_settlement", number=number)


@never_cache
@require_safe
def statement(request: HttpRequest, number: int) -> StreamingHttpResponse:
    """The statement of a settlement as CSV: a line for each voucher, then the sums."""
    actor = actor_of(request)
    mine = settlements.find(actor, number)
    with transaction.atomic():
        append("recycling", "settlement.taken_along", {}, subject=mine.ref, actor=str(actor))
    zone, unit = settings.CITY.zone, mine.unit
    rows: list[tuple[Any, ...]] = [
        (
            line.at.astimezone(zone).isoformat(timespec="seconds"),
            line.kind,
            line.voucher.ref,
            offer,
            line.points,
            "",
            "",
        )
        for line in mine.lines.select_related("voucher__offer").order_by("at", "pk")
        for offer in [line.voucher.offer.name]
    ]
    if mine.carried:
        rows.append(("", "carried", "", "", "", _plain(mine.carried), unit))
    rows.append(("", "sum", "", mine.partner.name, mine.points, _plain(mine.amount), unit))
    head = ("at", "kind", "voucher", "offer", "points", "amount", "unit")
    return answer(f"settlement-{mine.partner.key}-{mine.month:%Y-%m}", head, rows)


def _plain(amount: int) -> float | int:
    """An amount of the smallest part of the currency as a plain number of the whole: 1250 -> 12.5."""
    digits = decimals(settings.CITY.currency)
    return round(amount / 10**digits, digits) if digits else amount
