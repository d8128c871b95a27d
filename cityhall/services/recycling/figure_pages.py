"""Officers' pages of figures and of costs: each drawing stands beside its table."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cityhall.kernel.errors import CityhallError
from cityhall.kernel.people.actors import actor_of
from cityhall.kernel.people.permissions import require
from cityhall.services.recycling import charts, figures, reckoning, stock
from cityhall.services.recycling.contesting import DECIDE
from cityhall.services.recycling.models import Cost
from cityhall.services.recycling.pages import form_key, told
from cityhall.services.recycling.rules import rules, today
from cityhall.services.recycling.stock_pages import amount_typed, day_typed
from cityhall.services.recycling.wording import money, number, percent, summed

SHOWN = 200


@never_cache
@require_safe
def shown(request: HttpRequest) -> HttpResponse:
    """The figures of 30 days, a quarter or a year."""
    require(actor_of(request), DECIDE)
    days = reckoning.period_of(request.GET.get("days", ""))
    grid = reckoning.grid(days)
    tonne = reckoning.tonne(days, grid.total)
    context: dict[str, Any] = {
        "days": days,
        "periods": reckoning.PERIODS,
        "weight": summed(grid.total),
        "participation": percent(figures.participation(days), 1),
        "kept": percent(figures.kept_windows(days)),
        "zones": [one or _("outside all districts") for one in grid.zones],
        "rows": _rows(grid),
        "sums": [summed(one) for one in grid.sums],
        "costs": money(tonne.costs),
        "revenue": money(tonne.revenue),
        "each": money(tonne.each) if tonne.each is not None and tonne.costs else "",
        "net": money(tonne.net) if tonne.net is not None and tonne.costs else "",
        **_points(days),
    }
    return render(request, "recycling/desk_figures.html", context)


def _rows(grid: reckoning.Grid) -> list[dict[str, Any]]:
    bars = charts.shares([total for _material, _cells, total in grid.rows])
    return [
        {"name": material.name, "cells": [summed(one) for one in cells], "sum": summed(total), "bar": bar}
        for (material, cells, total), bar in zip(grid.rows, bars, strict=True)
    ]


def _points(days: int) -> dict[str, Any]:
    """What became of points, and what is owed by month."""
    names = {
        "fees": _("waste fee"),
        "shops": _("partner shops"),
        "payouts": _("paid out"),
        reckoning.EXPIRED: _("expired"),
    }
    mix, owed = reckoning.redeemed(days), reckoning.liability()
    every = reckoning.total([(what, max(0, amount)) for what, amount in mix])
    bars = charts.shares([amount for _month, amount in owed])
    return {
        "mix": [
            (names[what], number(amount), percent(100 * max(0, amount) / every) if every else "–")
            for what, amount in mix
        ],
        "parts": charts.parts([amount for _what, amount in mix]),
        "owed": [
            (month, number(amount), money(rules().worth(amount)), bar)
            for (month, amount), bar in zip(owed, bars, strict=True)
        ],
        "owed_sum": number(reckoning.total(owed)),
        "owed_worth": money(rules().worth(reckoning.total(owed))),
    }


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def costs(request: HttpRequest) -> HttpResponse:
    """What collecting cost, the latest first, and the form that says more."""
    actor = actor_of(request)
    require(actor, stock.ENTER)
    context = _costs(request.POST)
    if request.method != "POST":
        return render(request, "recycling/desk_costs.html", context)
    post = request.POST
    try:
        amount = amount_typed(post.get("amount", ""))
        day = day_typed(post.get("day", ""))
        key = form_key(post.get("key", ""))
        stock.enter_cost(actor, post.get("what", ""), day, amount, post.get("note", ""), key=key)
    except CityhallError as problem:
        return render(request, "recycling/desk_costs.html", context | {"problem": problem}, status=problem.status)
    messages.success(request, _("Entered."))
    return redirect("recycling_costs")


def _costs(typed: QueryDict) -> dict[str, Any]:
    found = Cost.objects.select_related("person", "reversal")[:SHOWN]
    return {
        "rows": [{"one": one, "amount": money(one.amount), "may": stock.stands(one)} for one in found],
        "whats": Cost.What.choices,
        "currency": settings.CITY.currency,
        "today": today().isoformat(),
        "day": typed.get("day") or today().isoformat(),
        "typed": typed,
        "key": typed.get("key") or uuid.uuid4(),
    }


@require_POST
def reverse_cost(request: HttpRequest, number: int) -> HttpResponse:
    """Puts a cost right by its opposite."""
    with told(request):
        stock.reverse_cost(actor_of(request), number)
        messages.success(request, _("Reversed."))
    return redirect("recycling_costs")
