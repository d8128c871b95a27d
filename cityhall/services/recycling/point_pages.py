"""Residents' pages of points: what there is, what came and went, and spending them."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cityhall.kernel import values
from cityhall.kernel.errors import CityhallError, Invalid, Missing
from cityhall.kernel.payments.bills import find as find_bill
from cityhall.kernel.payments.money import read_money
from cityhall.kernel.people.actors import actor_of
from cityhall.services.recycling import accounts, fees, points, queries, spending
from cityhall.services.recycling.pages import account_in, form_key
from cityhall.services.recycling.rules import rules
from cityhall.services.recycling.wording import money, number
from cityhall.services.recycling.wording import points as points_text

KINDS = {
    "recycling.weighed": gettext_lazy("weighed"),
    "recycling.bonus": gettext_lazy("campaign"),
    "recycling.brought": gettext_lazy("brought from the earlier system"),
    "recycling.corrected": gettext_lazy("a weight was corrected"),
    "recycling.fees": gettext_lazy("bill paid"),
    "recycling.shops": gettext_lazy("voucher of a shop"),
    "recycling.payouts": gettext_lazy("paid out"),
    "recycling.given_back": gettext_lazy("given back"),
    "ledger.expired": gettext_lazy("expired"),
}
ORIGINS = {
    points.EARNED: gettext_lazy("for recycling"),
    points.BONUS: gettext_lazy("of a campaign"),
    points.BROUGHT: gettext_lazy("from the earlier system"),
}


@never_cache
@login_required
@require_safe
def own(request: HttpRequest) -> HttpResponse:
    """The balance, what expires when, what came and went, and on what points may be spent."""
    account = account_in(request)
    stands = points.standing(account)
    people = [one.pk for one in accounts.people_of(account)]
    context = {
        "account": account,
        "accounts": accounts.held_by(accounts.person_of(actor_of(request))),
        "stands": stands,
        "balance": number(stands.balance),
        "worth": money(rules().worth(stands.balance)),
        "lots": [
            {"left": points_text(lot.left), "origin": ORIGINS.get(lot.origin, _("points")), "until": lot.expires_on}
            for lot in stands.lots
        ],
        "moved": [_line(one) for one in points.moved(account)[:30]],
        "fees": [
            {"bill": one, "open": money(one.open), "points": points_text(rules().points_for(one.open))}
            for one in fees.open_fees([actor_of(request).person_id or 0])
        ]
        if people and rules().cents_per_100_points
        else [],
        "vouchers": list(queries.own_vouchers(account)[:10]),
        "payouts": spending.payouts_open(),
    }
    return render(request, "recycling/points.html", context)


def _line(one: points.Moved) -> dict[str, Any]:
    amount = f"+{number(one.amount)}" if one.amount > 0 else f"−{number(-one.amount)}"
    kind, _colon, number_of = one.subject.partition(":")
    pages = {"weighing": "recycling_weighing", "voucher": "recycling_voucher", "bill": "bill"}
    page = reverse(pages[kind], args=[number_of]) if kind in pages else ""
    return {
        "at": one.at,
        "what": KINDS.get(one.kind, one.kind),
        "amount": amount,
        "left": number(one.left),
        "page": page,
    }


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def fee(request: HttpRequest, number: int) -> HttpResponse:
    """Pays a bill with points: all of it, or as much as one likes where it may be paid in parts."""
    actor, account = actor_of(request), account_in(request)
    bill = find_bill(number)
    if bill.payer_id is None or bill.payer_id != actor.person_id or not spending.payable(bill):
        raise Missing(_("There is no such bill."), code="no_such_bill")
    stands, said = points.standing(account), rules()
    reach = min(bill.open, said.worth(stands.balance))
    context: dict[str, Any] = {
        "bill": bill,
        "account": account,
        "accounts": accounts.held_by(accounts.person_of(actor)),
        "open": money(bill.open),
        "needs": points_text(said.points_for(bill.open)),
        "balance": points_text(stands.balance),
        "reach": reach,
        "reach_text": money(reach),
        "reach_points": points_text(said.points_for(reach)),
        "whole": reach >= bill.open,
        "key": request.POST.get("key") or uuid.uuid4(),
    }
    if request.method != "POST":
        return render(request, "recycling/fee.html", context)
    try:
        typed = request.POST.get("amount", "").strip()
        amount = read_money(typed, bill.unit) if typed else None
        if typed and amount is None:
            raise Invalid(_("This is no amount."), code="bad_amount", field="amount", mend=_("Write it in figures."))
        paid = spending.pay_fee(actor, account, bill.pk, amount, key=form_key(request.POST.get("key", "")))
    except CityhallError as problem:
        return render(request, "recycling/fee.html", context | {"problem": problem}, status=problem.status)
    said_text = _("%(points)s paid %(money)s.")
    messages.success(request, said_text % {"points": points_text(paid.points), "money": money(paid.intent.amount)})
    return redirect("bill", bill.pk)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def shops(request: HttpRequest) -> HttpResponse:
    """What shops give for points; one press makes a voucher."""
    actor, account = actor_of(request), account_in(request)
    stands = points.standing(account)
    context: dict[str, Any] = {
        "account": account,
        "stands": stands,
        "balance": points_text(stands.balance),
        "most": spending.MOST_OF_ONE,
        "shops": [
            {
                "partner": partner,
                "offers": [
                    {"offer": one, "enough": one.price <= stands.balance, "key": uuid.uuid4()} for one in offers
                ],
            }
            for partner, offers in queries.catalogue()
        ],
    }
    if request.method != "POST":
        return render(request, "recycling/shops.html", context)
    try:
        count = values.whole(request.POST.get("count", ""), 99) or 0
        key = form_key(request.POST.get("key", ""))
        made = spending.buy(actor, account, request.POST.get("offer", "")[:40], count, key=key)
    except CityhallError as problem:
        return render(request, "recycling/shops.html", context | {"problem": problem}, status=problem.status)
    return redirect("recycling_voucher", number=made.pk)


@never_cache
@login_required
@require_safe
def voucher(request: HttpRequest, number: int) -> HttpResponse:
    """A voucher: the code to show, and giving it back as long as it was not used."""
    found = queries.find_voucher(actor_of(request), number)
    context = {"voucher": found, "paid": points_text(found.points), "back": points_text(found.points_back)}
    return render(request, "recycling/voucher.html", context)


@login_required
@require_POST
def give_back(request: HttpRequest, number: int) -> HttpResponse:
    """Gives back what was not used; its part of the points comes back."""
    actor = actor_of(request)
    found = queries.find_voucher(actor, number)
    try:
        before = found.points_back
        changed = spending.give_back(actor, found.code, values.whole(request.POST.get("count", ""), 99) or 0)
        back = points_text(changed.points_back - before)
        messages.success(request, _("You have %(points)s back.") % {"points": back})
    except CityhallError as problem:
        messages.warning(request, str(problem))
    return redirect("recycling_voucher", number=number)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def payout(request: HttpRequest) -> HttpResponse:
    """Points as money to a bank account, where the city has stated on what legal basis."""
    account = account_in(request)
    stands = points.standing(account)
    context: dict[str, Any] = {
        "account": account,
        "open": spending.payouts_open(),
        "balance": points_text(stands.balance),
        "worth": money(rules().worth(stands.balance)),
        "least": rules().payout_least,
        "typed": request.POST,
        "key": request.POST.get("key") or uuid.uuid4(),
        "currency": settings.CITY.currency,
    }
    if request.method != "POST":
        return render(request, "recycling/payout.html", context)
    post = request.POST
    try:
        made = spending.pay_out(
            actor_of(request),
            account,
            values.whole(post.get("points", "")) or 0,
            name=post.get("name", ""),
            iban=post.get("iban", ""),
            key=form_key(post.get("key", "")),
        )
    except CityhallError as problem:
        return render(request, "recycling/payout.html", context | {"problem": problem}, status=problem.status)
    messages.success(request, _("%(money)s go to your bank account.") % {"money": money(made.payout.amount)})
    return redirect(f"{reverse('recycling_points')}?account={account.pk}")
