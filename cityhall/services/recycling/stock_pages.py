"""Officers' pages of the store: what of each material is there, sales to recyclers, losses, and what they put right."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from cityhall.kernel import values
from cityhall.kernel.errors import CityhallError, Invalid
from cityhall.kernel.payments.money import read_money
from cityhall.kernel.people.actors import actor_of
from cityhall.kernel.people.permissions import require
from cityhall.services.recycling import charts, queries, stock
from cityhall.services.recycling.models import Leaving
from cityhall.services.recycling.pages import form_key, told
from cityhall.services.recycling.rules import today
from cityhall.services.recycling.stock import Sold
from cityhall.services.recycling.wording import money, summed

SHOWN = 100


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def store(request: HttpRequest) -> HttpResponse:
    """What is in the store, the latest that left it, and the form that says what left."""
    actor = actor_of(request)
    require(actor, stock.SELL)
    context = _shown(request.POST)
    if request.method != "POST":
        return render(request, "recycling/desk_store.html", context)
    try:
        sold = request.POST.get("kind", "") == Leaving.Kind.SOLD
        action = stock.sell if sold else stock.lose
        action(actor, _read(request.POST), key=form_key(request.POST.get("key", "")))
    except CityhallError as problem:
        return render(request, "recycling/desk_store.html", context | {"problem": problem}, status=problem.status)
    messages.success(request, _("Entered."))
    return redirect("recycling_store")


def _shown(typed: QueryDict) -> dict[str, Any]:
    rows = stock.in_store()
    bars = charts.shares([one.left for one in rows])
    left = Leaving.objects.select_related("material", "person", "reversal", "reverses")[:SHOWN]
    return {
        "rows": [
            {
                "material": one.material,
                "collected": summed(one.collected),
                "sold": summed(one.sold),
                "lost": summed(one.lost),
                "left": summed(one.left),
                "below": one.left < 0,
                "bar": bar,
            }
            for one, bar in zip(rows, bars, strict=True)
        ],
        "below": [one.material for one in rows if one.left < 0],
        "moves": [{"one": one, "amount": money(one.amount), "may": stock.stands(one)} for one in left],
        "materials": list(queries.materials()),
        "kinds": Leaving.Kind.choices,
        "currency": settings.CITY.currency,
        "today": today().isoformat(),
        "day": typed.get("day") or today().isoformat(),
        "typed": typed,
        "key": typed.get("key") or uuid.uuid4(),
    }


def day_typed(text: str) -> date:
    """A day that an officer wrote; today where they wrote none. Raises Invalid for what is no day."""
    day = values.day(text) if text.strip() else today()
    if day is None:
        raise Invalid(_("This is no day."), code="bad_day", field="day")
    return day


def amount_typed(text: str) -> int:
    """An amount of the city's currency that an officer wrote. Raises Invalid for what is none."""
    amount = read_money(text, settings.CITY.currency)
    if amount is None:
        raise Invalid(_("This is no amount."), code="bad_amount", field="amount", mend=_("Write it in figures."))
    return amount


def _read(post: QueryDict) -> Sold:
    kg = values.decimal(post.get("kg", "").strip().replace(",", "."))
    if kg is None or not 0 < kg <= stock.MOST_GRAMS / 1000:
        raise Invalid(_("This is no weight."), code="bad_weight", field="kg", mend=_("Write kilograms, as 3.25."))
    typed = post.get("amount", "").strip()
    return Sold(
        post.get("material", "")[:40],
        round(kg * 1000),
        day_typed(post.get("day", "")),
        amount=amount_typed(typed) if typed else 0,
        buyer=post.get("buyer", ""),
        document=post.get("document", ""),
        why=post.get("why", ""),
    )


@require_POST
def reverse(request: HttpRequest, number: int) -> HttpResponse:
    """Puts a sale or a loss right by its opposite."""
    with told(request):
        stock.reverse(actor_of(request), number, request.POST.get("why", ""))
        messages.success(request, _("Reversed."))
    return redirect("recycling_store")
