"""Residents' pages: their bills, one bill and how it is paid, and the way back from a provider.

A bill is seen by its payer, or, where it has none, by whoever has its secret link. Nothing a browser says is believed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from cityhall.engines.banking.references import spaced
from cityhall.kernel.errors import CityhallError, Invalid, Missing
from cityhall.kernel.limits.sources import source_of
from cityhall.kernel.limits.spending import spend
from cityhall.kernel.payments import debit_views, dues, intents, mandates, means, polling, refund_accounts
from cityhall.kernel.payments.bills import find
from cityhall.kernel.payments.facts import ON_ITS_WAY
from cityhall.kernel.payments.models import Bill, Intent, Mandate, Refund, Scheme
from cityhall.kernel.payments.money import read_money
from cityhall.kernel.payments.providers import offered
from cityhall.kernel.payments.refund_payouts import EURO
from cityhall.kernel.payments.transfer import Transfer, transfer_of
from cityhall.kernel.people.actors import actor_of
from cityhall.kernel.people.permissions import may
from cityhall.kernel.values import whole

LISTED = 100
AGAIN_S = 4
"""Seconds after which the page that waits for the bank looks again."""
STARTS_AN_HOUR = 60


@dataclass(frozen=True, slots=True)
class Way:
    """A provider, as the page offers it."""

    slug: str
    name: Any


def address(bill: Bill) -> str:
    """Where the bill's page is for who pays it: by its number for an account, by its secret for anybody else."""
    if bill.payer_id is not None:
        return reverse("bill", args=[bill.pk])
    return reverse("bill_by_link", args=[bill.secret])


@login_required
@require_safe
def listed(request: HttpRequest) -> HttpResponse:
    """The reader's own bills, what is open first."""
    mine = Bill.objects.filter(payer=request.user.pk)
    bills = sorted(mine.order_by("-pk")[:LISTED], key=lambda one: (not one.is_open, one.due_on if one.is_open else 0))
    return _private(
        render(
            request,
            "payments/list.html",
            {"bills": bills, "today": timezone.localdate(), "creditor": debit_views.collects()},
        )
    )


@login_required
@require_safe
def page(request: HttpRequest, pk: int) -> HttpResponse:
    """One bill of the reader's."""
    return _page(request, _mine(request, pk))


@require_safe
def page_by_link(request: HttpRequest, secret: str) -> HttpResponse:
    """One bill, for whoever has its link."""
    return _page(request, _by_link(secret))


@login_required
@require_POST
def pay(request: HttpRequest, pk: int) -> HttpResponse:
    """Begins to pay a bill of the reader's."""
    return _pay(request, _mine(request, pk))


@require_POST
def pay_by_link(request: HttpRequest, secret: str) -> HttpResponse:
    """Begins to pay the bill of a link."""
    return _pay(request, _by_link(secret))


@login_required
@require_POST
def tell_account(request: HttpRequest, pk: int) -> HttpResponse:
    """Takes the account to which the city gives money back. Raises Missing where it waits for none of the reader's."""
    bill, number = find(pk), whole(request.POST.get("refund", "")) or 0
    refund = next((one for one in _without_account(request, bill) if one.pk == number), None)
    if refund is None:
        raise Missing(_("There is no such refund."), code="no_such_refund")
    try:
        refund_accounts.give(actor_of(request), refund, request.POST.get("name", ""), request.POST.get("iban", ""))
    except CityhallError as problem:
        return _page(request, bill, problem)
    return redirect("bill", pk)


@require_safe
def go(request: HttpRequest, uid: UUID) -> HttpResponse:
    """On to the provider. A page of its own: a form of ours may not lead to another site (CSP, form-action)."""
    intent = _intent(request, uid)
    if intent.standing not in ON_ITS_WAY or not intent.url:
        return redirect(address(intent.bill))
    if intent.url.startswith("/"):
        return redirect(intent.url)
    return _private(render(request, "payments/go.html", {"intent": intent}))


@require_safe
def back(request: HttpRequest, uid: UUID) -> HttpResponse:
    """The payer comes back. That says nothing of whether they have paid: the provider is asked, and the page waits."""
    intent = _intent(request, uid)
    if intent.standing in ON_ITS_WAY:
        spend("payments.back", source_of(request), 600, 3600)
        polling.ask(intent.pk, "redirect")
        intent.refresh_from_db()
    waits = intent.standing in ON_ITS_WAY
    if not waits and intent.captured:
        return redirect(intent.return_to or address(intent.bill))
    context = {"intent": intent, "bill": intent.bill, "address": address(intent.bill), "waits": waits, "again": AGAIN_S}
    return _private(render(request, "payments/back.html", context))


def _mine(request: HttpRequest, pk: int) -> Bill:
    """A bill that the reader pays, or may see as an officer. Raises Missing: whether there is one is no affair."""
    bill = find(pk)
    if bill.payer_id is not None and bill.payer_id == request.user.pk:
        return bill
    if may(actor_of(request), "payments.view_bills"):
        return bill
    raise Missing(_("There is no such bill."), code="no_such_bill")


def _by_link(secret: str) -> Bill:
    bill = Bill.objects.filter(secret=secret, payer=None).first()
    if bill is None:
        raise Missing(
            _("There is no such bill."), code="no_such_bill", mend=_("Open the link exactly as it was sent to you.")
        )
    return bill


def _intent(request: HttpRequest, uid: UUID) -> Intent:
    """A payment of the reader's bill; of one without an account, by its own unguessable number."""
    intent = intents.find(uid)
    if intent.bill.payer_id is not None and intent.bill.payer_id != request.user.pk:
        raise Missing(_("There is no such payment."), code="no_such_payment")
    return intent


def _page(request: HttpRequest, bill: Bill, problem: CityhallError | None = None) -> HttpResponse:
    part = dues.next_part(bill) if bill.is_open else None
    mine = bill.payer_id is None or bill.payer_id == request.user.pk
    transfer: Transfer | None = transfer_of(bill, part[1]) if part else None
    context = {
        "bill": bill,
        "reference": spaced(bill.reference),
        "lines": bill.lines.all(),
        "parts": dues.parts_of(bill) if bill.instalments.exists() else [],
        "next": part,
        "mine": mine,
        "mandates": _by_debit(bill) if part and mine else [],
        "ways": [Way(one.slug, one.name) for one in offered()] if part and mine else [],
        "means": means.offered(bill) if part and bill.payer_id == request.user.pk else [],
        "transfer": transfer,
        "payments": [one for one in bill.intents.order_by("pk") if one.captured or one.standing in ON_ITS_WAY],
        "pay": f"{address(bill)}pay/",
        "accounts": _without_account(request, bill),
        "typed": request.POST,
        "problem": problem,
    }
    return _private(render(request, "payments/bill.html", context, status=problem.status if problem else 200))


def _without_account(request: HttpRequest, bill: Bill) -> list[Refund]:
    """Refunds of the reader's own bill that wait until somebody says to which account they go."""
    if bill.payer_id is None or bill.payer_id != request.user.pk or bill.unit != EURO:
        return []
    return list(refund_accounts.without().filter(intent__bill=bill))


def _by_debit(bill: Bill) -> list[Mandate]:
    """The payer's direct debits that a bill can be collected by."""
    if bill.payer_id is None or bill.scheme != Scheme.SINGLE or bill.unit != EURO or debit_views.collects() is None:
        return []
    return mandates.active(bill.payer_id)


def _pay(request: HttpRequest, bill: Bill) -> HttpResponse:
    if bill.payer_id is not None and bill.payer_id != request.user.pk:
        raise Missing(_("There is no such bill."), code="no_such_bill")
    try:
        spend("payments.start", source_of(request), STARTS_AN_HOUR, 3600)
        written, amount = request.POST.get("amount", ""), None
        if written:
            amount = read_money(written, bill.unit)
            if amount is None:
                raise Invalid(
                    _("This is no amount."), code="bad_amount", field="amount", mend=_("Write it in figures, as 12.50.")
                )
        intent = intents.start(bill, amount, request.POST.get("by", "")[:50], address(bill), actor=actor_of(request))
    except CityhallError as problem:
        return _page(request, bill, problem)
    return redirect("payment_go", intent.uid)


def _private(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = "no-store"
    # The link in the address is a secret: no other site is told where the reader came from.
    response["Referrer-Policy"] = "same-origin"
    return response
