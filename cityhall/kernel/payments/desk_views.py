"""The treasurer's desk: entries of the bank that nobody has explained, refunds that wait, a bill with its payments."""

from __future__ import annotations

from uuid import UUID, uuid4

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cityhall.engines.banking.references import spaced, squeezed
from cityhall.kernel.errors import CityhallError, Invalid, Missing
from cityhall.kernel.ledger.models import Kind
from cityhall.kernel.payments import bank_entries, giving_back
from cityhall.kernel.payments.bills import find
from cityhall.kernel.payments.facts import uid_of
from cityhall.kernel.payments.models import BankEntry, Bill, Intent, Refund
from cityhall.kernel.payments.money import read_money
from cityhall.kernel.payments.providers import offered
from cityhall.kernel.people.actors import Actor, actor_of
from cityhall.kernel.people.permissions import may, require

LISTED = 100


def waiting(actor: Actor) -> int:
    """What waits at the desk."""
    if not may(actor, bank_entries.RECONCILE):
        return 0
    return BankEntry.objects.exclude(left=0).count() + Refund.objects.filter(state=Refund.State.ASKED).count()


@login_required
@require_safe
def desk(request: HttpRequest) -> HttpResponse:
    """What waits, and a bill by its reference. Raises Denied."""
    require(actor_of(request), "payments.view_bills")
    asked = request.GET.get("reference", "")[:60]
    bill = Bill.objects.filter(reference=squeezed(asked)).first() if asked else None
    if bill is not None:
        return redirect("desk_bill", bill.pk)
    context = {
        "entries": BankEntry.objects.exclude(left=0).select_related("party")[:LISTED],
        "refunds": Refund.objects.filter(state=Refund.State.ASKED).select_related("intent__bill")[:LISTED],
        "overdue": Bill.objects.exclude(overdue_since=None).order_by("overdue_since")[:LISTED],
        "credits": [one for one in Bill.objects.filter(paid__gt=0).order_by("-pk")[:500] if one.credit][:LISTED],
        "asked": asked,
    }
    return _private(render(request, "payments/desk.html", context))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def entry(request: HttpRequest, pk: int) -> HttpResponse:
    """One entry of the bank; an officer says what it was for."""
    actor, problem = actor_of(request), None
    require(actor, bank_entries.RECONCILE)
    mine = bank_entries.find(pk)
    if request.method == "POST":
        try:
            _say(request, actor, mine)
        except CityhallError as refused:
            problem = refused
        else:
            messages.success(request, _("Noted and booked."))
            return redirect("payments_desk")
    context = {
        "entry": mine,
        "providers": [(one.slug, one.name) for one in offered()],
        "suggested": Bill.objects.filter(unit=mine.unit, state__in=("open", "part_paid"), owed__gte=mine.left)[:10],
        "problem": problem,
    }
    return _private(render(request, "payments/entry.html", context, status=problem.status if problem else 200))


def _say(request: HttpRequest, actor: Actor, mine: BankEntry) -> None:
    amount = mine.left
    written = request.POST.get("amount", "")
    if written:
        size = read_money(written, mine.unit)
        if size is None:
            raise Invalid(_("This is no amount."), code="bad_amount", field="amount")
        amount = size if mine.amount > 0 else -size
    what = request.POST.get("what", "bill")
    if what == "bill":
        bill = Bill.objects.filter(reference=squeezed(request.POST.get("reference", "")[:60])).first()
        if bill is None:
            raise Missing(_("There is no bill with this reference."), code="no_such_bill", field="reference")
        bank_entries.assign(actor, mine, bill, amount)
    elif what == "fees":
        bank_entries.explain(actor, mine, f"city:fees:{mine.unit}", Kind.EXPENSE, amount)
    elif what in {one.slug for one in offered()}:
        bank_entries.explain(actor, mine, f"city:provider:{what}:{mine.unit}", Kind.ASSET, amount)
    else:
        raise Invalid(_("Say what it was for."), code="no_choice", field="what")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def bill(request: HttpRequest, pk: int) -> HttpResponse:
    """One bill with its payments and refunds; an officer gives something back."""
    actor, problem = actor_of(request), None
    require(actor, "payments.view_bills")
    mine = find(pk)
    if request.method == "POST":
        try:
            _give_back(request, actor, mine)
        except CityhallError as refused:
            problem = refused
        else:
            messages.success(request, _("The refund is on its way, or waits for a second officer."))
            return redirect("desk_bill", pk)
    payments = [(one, giving_back.may_be_given_back(one)) for one in mine.intents.order_by("pk")]
    context = {
        "bill": mine,
        "reference": spaced(mine.reference),
        "payments": payments,
        "refunds": Refund.objects.filter(intent__bill=mine).order_by("pk"),
        "key": uuid4(),
        "may_refund": may(actor, giving_back.REFUND),
        "problem": problem,
    }
    return _private(render(request, "payments/desk_bill.html", context, status=problem.status if problem else 200))


def _give_back(request: HttpRequest, actor: Actor, mine: Bill) -> None:
    uid, key = uid_of(request.POST.get("payment", "")), uid_of(request.POST.get("key", ""))
    intent = Intent.objects.filter(uid=uid, bill=mine).first() if uid else None
    amount = read_money(request.POST.get("amount", ""), mine.unit)
    if intent is None or key is None or amount is None:
        raise Invalid(_("This is no amount."), code="bad_amount", field="amount")
    owed = request.POST.get("still_owed") == "1"
    giving_back.ask(actor, intent, amount, request.POST.get("reason", "")[:300], key=UUID(str(key)), still_owed=owed)


@login_required
@require_POST
def decide(request: HttpRequest, pk: int, what: str) -> HttpResponse:
    """The second officer agrees to a refund, or does not."""
    refund = giving_back.find(pk)
    if what == "approve":
        giving_back.approve(actor_of(request), refund)
    elif what == "refuse":
        giving_back.refuse(actor_of(request), refund)
    else:
        raise Missing(_("There is no such page."), code="missing")
    return redirect("payments_desk")


def _private(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = "no-store"
    return response
