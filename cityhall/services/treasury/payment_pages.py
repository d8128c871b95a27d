"""What came by the bank and nobody knows what for; bills and what was paid on them; refunds that wait for a word."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.db.models import Count, F, Q, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cityhall.engines.banking.references import squeezed
from cityhall.kernel.errors import CityhallError, Invalid, Missing
from cityhall.kernel.ledger.models import Kind
from cityhall.kernel.payments import bank_entries, bills, giving_back, refund_accounts
from cityhall.kernel.payments.models import BankEntry, Bill, Intent, Refund
from cityhall.kernel.payments.models import State as BillState
from cityhall.kernel.payments.providers import offered
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.permissions import may, require
from cityhall.kernel.values import day, whole
from cityhall.services.treasury import amounts
from cityhall.services.treasury.pages import reader

LINES = 60
SUGGESTED = 8
VIEW = "payments.view_bills"


def money_reader(request: HttpRequest) -> Actor:
    """Who asks, who may see the books, and bills. Raises Denied."""
    actor = reader(request)
    require(actor, VIEW)
    return actor


@never_cache
@require_safe
def bank(request: HttpRequest) -> HttpResponse:
    """Entries of the bank of which it is not known what they were for, the oldest first; or all of them."""
    money_reader(request)
    everything = request.GET.get("all") == "1"
    found = BankEntry.objects.select_related("party")
    found = found.order_by("-booked_on", "-pk") if everything else found.exclude(left=0).order_by("booked_on", "pk")
    rows, page, more = paged(request, found)
    open_now = BankEntry.objects.exclude(left=0).values_list("unit")
    context = {
        "tab": "bank",
        "entries": rows,
        "all": everything,
        "totals": open_now.annotate(count=Count("pk"), left=Sum("left")).order_by("unit"),
        "page": page,
        "more": more,
    }
    return render(request, "treasury/bank.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def bank_entry(request: HttpRequest, number: int) -> HttpResponse:
    """One entry: what the bank says of it, bills that it may be for, and saying so."""
    actor = money_reader(request)
    entry = bank_entries.find(number)
    problem: CityhallError | None = None
    if request.method == "POST":
        try:
            _say(actor, entry, request.POST)
            messages.success(request, _("It is booked."))
            return redirect("treasury_bank_entry", number)
        except CityhallError as refused:
            problem = refused
            entry = bank_entries.find(number)
    context = {
        "tab": "bank",
        "entry": entry,
        "party": getattr(entry, "party", None),
        "said": entry.allocations.select_related("intent__bill"),
        "may": bool(entry.left) and may(actor, bank_entries.RECONCILE),
        "suggested": suggested(entry) if entry.left else [],
        "providers": [(one.slug, one.name) for one in offered()],
        "left": amounts.plain(entry.left, entry.unit),
        "problem": problem,
        "typed": request.POST,
    }
    return render(request, "treasury/bank_entry.html", context, status=problem.status if problem else 200)


def suggested(entry: BankEntry) -> list[Bill]:
    """Bills that an entry may be for: open ones of just this amount, then those of who pays late and owes more."""
    known = Bill.objects.filter(unit=entry.unit).select_related("payer")
    if entry.left < 0:
        return list(known.filter(paid__gte=-entry.left).order_by("-pk")[:SUGGESTED])
    waiting = known.filter(state__in=(BillState.OPEN, BillState.PART_PAID))
    exact = [one for one in waiting.filter(owed__gte=entry.left)[:500] if one.open == entry.left]
    return exact[:SUGGESTED]


def _accounts(unit: str) -> dict[str, tuple[str, str]]:
    """Where an entry may belong that is for no bill: by a word of the form (key, kind) of an account."""
    return {
        # What a provider had taken and kept for the city is paid out by it in one sum.
        **{one.slug: (f"city:provider:{one.slug}:{unit}", Kind.ASSET) for one in offered()},
        "fees": (f"city:fees:{unit}", Kind.EXPENSE),
        "payout": (f"city:paid_out:{unit}", Kind.ASSET),
        "other": (f"income:other:{unit}", Kind.INCOME),
    }


def _say(actor: Actor, entry: BankEntry, post: Any) -> None:
    amount = amounts.read(post.get("amount", ""), entry.unit)
    if amount is not None and entry.left < 0:
        amount = -abs(amount)
    if post.get("for") == "account":
        chosen = _accounts(entry.unit).get(post.get("account", ""))
        if chosen is None:
            raise Invalid(_("Choose what it was for."), field="account")
        bank_entries.explain(actor, entry, chosen[0], chosen[1], amount)
        return
    bank_entries.assign(actor, entry, _bill_called(post.get("bill", "")), amount)


def _bill_called(words: str) -> Bill:
    """A bill by its reference or its number. Raises Missing."""
    words = squeezed(words).removeprefix("BILL")
    number = whole(words)
    named = Q(pk=number) if number is not None else Q(reference=words)
    found = Bill.objects.filter(named).first() if words else None
    if found is None:
        raise Missing(_("There is no such bill."), code="no_such_bill", field="bill")
    return found


@never_cache
@require_safe
def bill_list(request: HttpRequest) -> HttpResponse:
    """Bills by their state and day, with what is open in all, or paid too much; by its reference, the bill itself."""
    money_reader(request)
    state = request.GET.get("state", "")
    until, words = day(request.GET.get("until", "")), request.GET.get("q", "").strip()
    named = Bill.objects.filter(reference=squeezed(words[:60])).first() if words else None
    if named is not None:
        return redirect("treasury_bill", named.pk)
    found = Bill.objects.select_related("payer").order_by("-pk")
    if state == "overdue":
        found = found.filter(state__in=(BillState.OPEN, BillState.PART_PAID)).exclude(overdue_since=None)
    elif state == "credit":
        found = found.filter(paid__gt=F("owed"))
    elif state in BillState.values:
        found = found.filter(state=state)
    found = found.filter(due_on__lte=until) if until else found
    if words:
        found = found.filter(Q(about=words) | Q(title__icontains=words))
    rows, page, more = paged(request, found)
    context = {
        "tab": "bills",
        "bills": rows,
        "chosen": state,
        "until": until,
        "words": words,
        "states": BillState.choices,
        "sums": _sums(),
        "credits": _credits(),
        "refunds": Refund.objects.filter(state=Refund.State.ASKED).count(),
        "page": page,
        "more": more,
    }
    return render(request, "treasury/bills.html", context)


def _sums() -> list[tuple[str, int, int, int]]:
    """(unit, open bills, what is open on them, what of it is overdue)."""
    waiting = Bill.objects.filter(state__in=(BillState.OPEN, BillState.PART_PAID)).values_list("unit")
    late = Sum("owed", filter=~Q(overdue_since=None)), Sum("paid", filter=~Q(overdue_since=None))
    rows = waiting.annotate(n=Count("pk"), o=Sum("owed"), p=Sum("paid"), lo=late[0], lp=late[1]).order_by("unit")
    return [(unit, n, owed - paid, (lo or 0) - (lp or 0)) for unit, n, owed, paid, lo, lp in rows]


def _credits() -> list[tuple[str, int, int]]:
    """(unit, bills on which too much was paid, how much too much in all)."""
    rows = (
        Bill.objects.filter(paid__gt=F("owed"))
        .values_list("unit")
        .annotate(n=Count("pk"), o=Sum("owed"), p=Sum("paid"))
    )
    return [(unit, n, paid - owed) for unit, n, owed, paid in rows.order_by("unit")]


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def bill(request: HttpRequest, number: int) -> HttpResponse:
    """One bill: its lines, every payment on it and what was given back; and giving back."""
    actor = money_reader(request)
    found = bills.find(number)
    problem: CityhallError | None = None
    if request.method == "POST":
        try:
            made = _give_back(actor, found, request.POST)
            waits = made.state == Refund.State.ASKED
            messages.success(request, _("It waits for a second officer.") if waits else _("It is being given back."))
            return redirect("treasury_bill", number)
        except CityhallError as refused:
            problem = refused
    intents = [
        (one, giving_back.may_be_given_back(one))
        for one in found.intents.prefetch_related("refunds", "allocations__entry").order_by("pk")
    ]
    context = {
        "tab": "bills",
        "bill": found,
        "lines": found.lines.all(),
        "intents": intents,
        "back": [(one, left, amounts.plain(left, found.unit)) for one, left in intents if left],
        "refunds": Refund.objects.filter(intent__bill=found).select_related("asked_by", "approved_by"),
        "may_refund": may(actor, giving_back.REFUND),
        "key": uuid4(),
        "problem": problem,
        "typed": request.POST,
    }
    return render(request, "treasury/bill.html", context, status=problem.status if problem else 200)


def _give_back(actor: Actor, found: Bill, post: Any) -> Refund:
    intent = Intent.objects.filter(bill=found, pk=whole(post.get("intent", "")) or 0).first()
    amount = amounts.read(post.get("amount", ""), found.unit)
    if intent is None or amount is None:
        raise Invalid(_("Say which payment, and how much of it."), field="amount")
    try:
        key = UUID(post.get("key", ""))
    except ValueError:
        raise Invalid(_("Open the page anew and try again."), field="key") from None
    still_owed = post.get("still_owed") == "1"
    return giving_back.ask(actor, intent, amount, post.get("reason", ""), key=key, still_owed=still_owed)


@never_cache
@require_safe
def refunds(request: HttpRequest) -> HttpResponse:
    """What is given back: what waits for a second officer first."""
    actor = money_reader(request)
    known = Refund.objects.select_related("intent__bill", "asked_by", "approved_by")
    context = {
        "tab": "bills",
        "waiting": known.filter(state=Refund.State.ASKED).order_by("made_at"),
        "others": known.exclude(state=Refund.State.ASKED)[:LINES],
        "without": refund_accounts.without().count(),
        "me": actor.person_id,
        "may_approve": may(actor, giving_back.APPROVE),
    }
    return render(request, "treasury/refunds.html", context)


@require_POST
def refund(request: HttpRequest, number: int, what: str) -> HttpResponse:
    """Agrees to a refund, or refuses it. Raises Missing for any other step."""
    actor = money_reader(request)
    found = giving_back.find(number)
    steps = {"approve": giving_back.approve, "refuse": giving_back.refuse}
    if what not in steps:
        raise Missing(_("There is no such step."), code="no_such_step")
    try:
        steps[what](actor, found)
        messages.success(request, _("It is being given back.") if what == "approve" else _("It is refused."))
    except CityhallError as refused:
        if refused.status == 403:
            raise
        messages.warning(request, str(refused))
    return redirect("treasury_refunds")


def paged(request: HttpRequest, found: QuerySet[Any]) -> tuple[list[Any], int, bool]:
    """(rows of the page that is asked for, its number, whether there are more)."""
    page = max(1, whole(request.GET.get("page", ""), 10**6) or 1)
    rows = list(found[(page - 1) * LINES : page * LINES + 1])
    return rows[:LINES], page, len(rows) > LINES
