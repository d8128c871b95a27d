"""Residents' pages of direct debit: agreeing to it, ending it, having a bill collected by it."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from cityhall.engines.banking.debits import Creditor
from cityhall.kernel.errors import CityhallError, Missing
from cityhall.kernel.payments import mandates
from cityhall.kernel.payments.bills import find
from cityhall.kernel.payments.models import Mandate
from cityhall.kernel.payments.payout_bank import own_creditor
from cityhall.kernel.people.actors import actor_of
from cityhall.kernel.values import whole


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def mine(request: HttpRequest) -> HttpResponse:
    """The reader's direct debits, and agreeing to one."""
    problem: CityhallError | None = None
    if request.method == "POST":
        try:
            if request.POST.get("agreed") != "1":
                raise mandates.not_agreed()
            mandates.sign(actor_of(request), request.POST.get("name", ""), request.POST.get("iban", ""))
            return redirect("direct_debits")
        except CityhallError as refused:
            problem = refused
    context = {
        "mandates": Mandate.objects.filter(payer=request.user.pk).order_by("revoked_at", "-pk"),
        "creditor": collects(),
        "typed": request.POST,
        "problem": problem,
    }
    return render(request, "payments/mandates.html", context, status=problem.status if problem else 200)


@login_required
@require_POST
def end(request: HttpRequest, pk: int) -> HttpResponse:
    """Ends one. Raises Missing for another person's."""
    found = Mandate.objects.filter(pk=pk, payer=request.user.pk).first()
    if found is None:
        raise Missing(_("There is no such direct debit."), code="no_mandate")
    mandates.revoke(actor_of(request), found)
    return redirect("direct_debits")


@login_required
@require_POST
def put_on(request: HttpRequest, pk: int) -> HttpResponse:
    """Has one of the reader's bills collected. Raises Missing for another's bill or direct debit, Conflict."""
    bill = find(pk)
    mandate = Mandate.objects.filter(pk=whole(request.POST.get("mandate", "")) or 0, payer=request.user.pk).first()
    if bill.payer_id != request.user.pk or mandate is None:
        raise Missing(_("There is no such bill."), code="no_such_bill")
    mandates.put_on(actor_of(request), bill, mandate)
    return redirect("bill", pk)


def collects() -> Creditor | None:
    """By which identifier the city collects; None where it does not."""
    try:
        return own_creditor()[0]
    except CityhallError:
        return None
