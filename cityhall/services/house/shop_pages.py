"""Pages of the shop: what there is, an order, giving back."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cityhall.kernel.errors import CityhallError
from cityhall.kernel.people.actors import actor_of
from cityhall.kernel.values import whole
from cityhall.services.house import paying, queries
from cityhall.services.house import shop as actions
from cityhall.services.house.models import Line
from cityhall.services.house.pages import form_key, picture
from cityhall.services.house.wording import money


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def shop(request: HttpRequest) -> HttpResponse:
    """What there is, each with how many of it; whoever buys signs in."""
    if request.method == "POST" and not request.user.is_authenticated:
        return redirect_to_login(request.path)
    typed = request.POST
    rows: list[dict[str, Any]] = [
        {
            "item": item,
            "picture": picture(item),
            "count": typed.get(f"count-{item.slug}", "0"),
            "most": _most(item.stock),
        }
        for item in queries.items()
    ]
    context: dict[str, Any] = {"rows": rows, "key": typed.get("key") or uuid.uuid4()}
    if request.method != "POST":
        return render(request, "house/shop.html", context)
    try:
        wanted = {row["item"].slug: whole(row["count"], 999) or 0 for row in rows}
        order = actions.buy(actor_of(request), wanted, key=form_key(typed.get("key", "")))
    except CityhallError as problem:
        return render(request, "house/shop.html", context | {"problem": problem}, status=problem.status)
    return redirect("house_order", number=order.pk)


def _most(stock: int | None) -> int:
    return actions.MOST_OF_ONE if stock is None else min(stock, actions.MOST_OF_ONE)


def counts(post: QueryDict, lines: list[Line]) -> dict[int, int]:
    """How many of each line a form gives back."""
    return {line.pk: whole(post.get(f"line-{line.pk}", ""), 999) or 0 for line in lines}


@never_cache
@login_required
@require_safe
def order(request: HttpRequest, number: int) -> HttpResponse:
    """An order: what is to be paid until when, the code to fetch it with, what may be given back."""
    found = queries.find_own_order(actor_of(request), number)
    lines = list(found.lines.select_related("item"))
    context = {
        "order": found,
        "lines": lines,
        "total": money(sum(line.count * line.price for line in lines)),
        "bill": found.bill,
        "bill_page": paying.page(found.bill),
    }
    return render(request, "house/order.html", context)


@login_required
@require_POST
def pay(request: HttpRequest, number: int) -> HttpResponse:
    """To the provider's page."""
    actor = actor_of(request)
    found = queries.find_own_order(actor, number)
    try:
        return redirect(paying.begin(actor, found.bill, f"/house/orders/{found.pk}/"))
    except CityhallError as problem:
        messages.warning(request, str(problem))
        return redirect("house_order", number=number)


@login_required
@require_POST
def give_back(request: HttpRequest, number: int) -> HttpResponse:
    """Before they were fetched: so many of each, and the money goes back."""
    actor = actor_of(request)
    found = queries.find_own_order(actor, number)
    try:
        actions.give_back(actor, number, counts(request.POST, list(found.lines.all())))
        messages.success(request, _("Your money goes back to where it came from."))
    except CityhallError as problem:
        messages.warning(request, str(problem))
    return redirect("house_order", number=number)
