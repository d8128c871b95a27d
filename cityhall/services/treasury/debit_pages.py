"""Direct debits: who agreed to them, what is due, and the files by which two officers have the bank collect it."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.db.models import Count, F, OuterRef, Q, Subquery, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cityhall.kernel.errors import CityhallError, Missing
from cityhall.kernel.payments import debits as collecting
from cityhall.kernel.payments.facts import Standing
from cityhall.kernel.payments.models import Bill, DebitBatch, Intent, Mandate
from cityhall.kernel.payments.models.payouts import BatchState
from cityhall.kernel.payments.payout_bank import own_creditor
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.permissions import may
from cityhall.kernel.values import day, whole
from cityhall.services.treasury.bank_pages import SHOWN, done_or_said, file_answer
from cityhall.services.treasury.payment_pages import money_reader, paged

MOST_DUE = 500


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def debits(request: HttpRequest) -> HttpResponse:
    """What is due to be collected, and putting it together; the files, and what became of them."""
    actor = money_reader(request)
    if request.method == "POST":
        return _prepare(request, actor)
    off: CityhallError | None = None
    try:
        own_creditor()
    except CityhallError as refused:
        off = refused
    due = list(collecting.due().annotate(tries=Count("debits"))[:MOST_DUE])
    context = {
        "tab": "bank",
        "off": off,
        "due": due,
        "total": sum(one.open for one in due),
        "first_day": collecting.first_day(),
        "batches": DebitBatch.objects.annotate(count=Count("debits"), amount=Sum("debits__amount"))[:SHOWN],
        "back": _came_back(),
        "may_prepare": may(actor, collecting.PREPARE) and off is None,
    }
    return render(request, "treasury/debits.html", context)


def _came_back() -> list[Intent]:
    """Collections that the bank refused, or that a payer had taken back; the latest first."""
    bad = Q(standing="failed") | Q(given_back__gt=0) | Q(disputed__gt=0)
    return list(
        Intent.objects.filter(bad).exclude(mandate=None).select_related("bill", "debit").order_by("-pk")[:SHOWN]
    )


def _prepare(request: HttpRequest, actor: Actor) -> HttpResponse:
    chosen = [number for text in request.POST.getlist("chosen") if (number := whole(text)) is not None]
    try:
        made = collecting.prepare(actor, Bill.objects.filter(pk__in=chosen), day(request.POST.get("execute_on", "")))
    except CityhallError as refused:
        if refused.status == 403:
            raise
        messages.warning(request, str(refused))
        return redirect("treasury_debits")
    return redirect("treasury_debit_batch", made.pk)


@never_cache
@require_safe
def mandates(request: HttpRequest) -> HttpResponse:
    """Who agreed to direct debit, by reference or name, with what was collected last."""
    money_reader(request)
    words, state = request.GET.get("q", "").strip(), request.GET.get("state", "")
    last = Intent.objects.filter(mandate=OuterRef("pk")).order_by("-pk")
    found = Mandate.objects.select_related("payer").annotate(
        last_amount=Subquery(last.values("amount")[:1]),
        last_unit=Subquery(last.values("unit")[:1]),
        last_at=Subquery(last.values("made_at")[:1]),
        last_standing=Subquery(last.values("standing")[:1]),
        last_bill=Subquery(last.values("bill")[:1]),
    )
    if words:
        named = Q(provider_ref__iexact=words.replace(" ", "")) | Q(name__icontains=words)
        found = found.filter(named | Q(payer__name__icontains=words))
    if state in ("active", "ended"):
        found = found.filter(revoked_at__isnull=state == "active")
    rows, page, more = paged(request, found.order_by(F("revoked_at").desc(nulls_first=True), "-pk"))
    standings = dict(Standing.choices)
    context = {
        "tab": "bank",
        "mandates": [(one, standings.get(one.last_standing, "")) for one in rows],
        "active": Mandate.objects.filter(revoked_at=None).count(),
        "words": words,
        "chosen": state,
        "page": page,
        "more": more,
    }
    return render(request, "treasury/mandates.html", context)


@never_cache
@require_safe
def batch(request: HttpRequest, number: int) -> HttpResponse:
    """One file: who prepared it, what is collected, and the next step."""
    actor = money_reader(request)
    found = get_object_or_404(DebitBatch, pk=number)
    rows = list(found.debits.select_related("bill", "mandate", "intent").order_by("pk"))
    prepared, own = found.state == BatchState.PREPARED, str(actor) == found.prepared_by
    context = {
        "tab": "bank",
        "batch": found,
        "debits": rows,
        "total": sum(one.amount for one in rows),
        "fetches": found.fetches.order_by("pk"),
        "own": own,
        "may_release": prepared and not own and may(actor, collecting.RELEASE),
        "may_withdraw": prepared and may(actor, collecting.PREPARE),
        "may_fetch": bool(found.fetches_left) and may(actor, collecting.FETCH),
        "may_allow": found.fetches.exists() and not found.fetches_left and may(actor, collecting.RELEASE),
        "step": "treasury_debit_step",
    }
    return render(request, "treasury/debit_batch.html", context)


@require_POST
def step(request: HttpRequest, number: int, what: str) -> HttpResponse:
    """Releases a batch, withdraws it, fetches its file or allows that once more. Raises Missing for any other step."""
    actor = money_reader(request)
    found = get_object_or_404(DebitBatch, pk=number)
    reason = request.POST.get("reason", "")
    if what == "fetch":
        return file_answer(
            request, lambda: collecting.fetch(actor, found), found.message_id, "treasury_debit_batch", number
        )
    steps: dict[str, tuple[Callable[[], object], str]] = {
        "release": (
            lambda: collecting.release(actor, found),
            _("The batch is released: its file can be fetched once, and the payers are told."),
        ),
        "withdraw": (lambda: collecting.withdraw(actor, found, reason), _("The batch is withdrawn.")),
        "allow": (lambda: collecting.allow_again(actor, found, reason), _("The file can be fetched once more.")),
    }
    if what not in steps:
        raise Missing(_("There is no such step."), code="no_such_step")
    done_or_said(request, *steps[what])
    return redirect("treasury_debit_batch", number)
