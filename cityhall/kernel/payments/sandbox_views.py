"""The sandbox bank's pages: a card's number is written, its bank asks once more. 404 where a city has no sandbox."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from cityhall.engines.banking.references import spaced
from cityhall.kernel.errors import CityhallError, Invalid
from cityhall.kernel.payments.models import SandboxPayment
from cityhall.kernel.payments.providers import provider, sandbox


def _payment(ref: str) -> SandboxPayment:
    provider("sandbox")
    return sandbox.found(ref)


@require_safe
def page(request: HttpRequest, ref: str) -> HttpResponse:
    """Where the payer writes the card's number, or is asked whether it was them."""
    return _page(request, _payment(ref))


def _page(request: HttpRequest, payment: SandboxPayment, problem: CityhallError | None = None) -> HttpResponse:
    context = {
        "payment": payment,
        "cards": [(spaced(number), what) for number, what in sandbox.CARDS.items()],
        "problem": problem,
        "declined": bool(payment.facts) and payment.facts[-1]["kind"] == "failed",
        "back": reverse("payment_back", args=[payment.key]),
    }
    response = render(request, "payments/sandbox.html", context, status=problem.status if problem else 200)
    response["Cache-Control"] = "no-store"
    return response


@require_POST
def card(request: HttpRequest, ref: str) -> HttpResponse:
    """The card's number."""
    payment = _payment(ref)
    number = "".join(one for one in request.POST.get("number", "")[:40] if one.isascii() and one.isdigit())
    try:
        if len(number) != 16:
            raise Invalid(
                _("A card's number has 16 digits."), code="bad_card", mend=_("Take one of those below; none is real.")
            )
        payment = sandbox.pay(ref, number)
    except CityhallError as problem:
        return _page(request, payment, problem)
    return redirect("payment_back", payment.key) if payment.state == "paid" else redirect("sandbox_page", ref)


@require_POST
def challenge(request: HttpRequest, ref: str) -> HttpResponse:
    """It was them, or not."""
    payment = _payment(ref)
    try:
        payment = sandbox.challenged(ref, request.POST.get("agreed") == "1")
    except CityhallError as problem:
        return _page(request, payment, problem)
    return redirect("payment_back", payment.key) if payment.state == "paid" else redirect("sandbox_page", ref)


@require_POST
def cancel(request: HttpRequest, ref: str) -> HttpResponse:
    """Back without paying."""
    _payment(ref)
    return redirect("payment_back", sandbox.give_up(ref).key)
