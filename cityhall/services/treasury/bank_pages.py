"""Files from the bank and for it: statements that are read, payouts that two officers let go."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.db.models import Count, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from cityhall.kernel.errors import CityhallError, Invalid, Missing
from cityhall.kernel.payments import payouts as paying
from cityhall.kernel.payments import refund_accounts
from cityhall.kernel.payments.models import Payout, PayoutBatch, StatementFile
from cityhall.kernel.payments.models.payouts import BatchState, PayoutState
from cityhall.kernel.payments.payout_bank import own_bank
from cityhall.kernel.payments.payout_news import read_bank_status
from cityhall.kernel.payments.statements import import_statement, undo_import
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.permissions import may
from cityhall.kernel.values import day, whole
from cityhall.services.treasury.payment_pages import money_reader

SHOWN = 50
STATUS_REPORT, LOOKED_AT = b"tech:xsd:pain.002.", 2000
"""By what a bank's answer to an order is told from a statement, and how far into the file that stands."""
LARGEST_FILE = 20 * 2**20


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def files(request: HttpRequest) -> HttpResponse:
    """Statement files that were read, and reading one more; or what the bank answers to an order."""
    actor = money_reader(request)
    problem: CityhallError | None = None
    if request.method == "POST":
        try:
            sent = _sent(request.FILES.get("file"))
            if STATUS_REPORT in sent[:LOOKED_AT]:
                read_bank_status(actor, sent)
                messages.success(request, _("What the bank says of the order is noted."))
                return redirect("treasury_files")
            made = import_statement(actor, sent)
            said = ngettext("%(count)d entry was booked.", "%(count)d entries were booked.", made.booked)
            messages.success(request, said % {"count": made.booked})
            return redirect("treasury_files")
        except CityhallError as refused:
            problem = refused
    context = {"tab": "bank", "files": StatementFile.objects.all()[:SHOWN], "problem": problem}
    return render(request, "treasury/files.html", context, status=problem.status if problem else 200)


def _sent(given: object) -> bytes:
    if not isinstance(given, UploadedFile) or not given.size:
        raise Invalid(_("Choose a file first."), field="file")
    if given.size > LARGEST_FILE:
        raise Invalid(_("The file is larger than 20 MB."), field="file")
    return bytes(given.read())


@require_POST
def undo(request: HttpRequest, number: int) -> HttpResponse:
    """Takes back what a file had booked."""
    actor = money_reader(request)
    found = get_object_or_404(StatementFile, pk=number)
    done_or_said(request, lambda: undo_import(actor, found, request.POST.get("reason", "")), _("The file is undone."))
    return redirect("treasury_files")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def payouts(request: HttpRequest) -> HttpResponse:
    """What waits to be paid out, and putting it together; the batches, and what came back."""
    actor = money_reader(request)
    if request.method == "POST":
        return _prepare(request, actor)
    waiting = Payout.objects.filter(state=PayoutState.WAITING)
    off: CityhallError | None = None
    try:
        own_bank()
    except CityhallError as refused:
        off = refused
    context = {
        "tab": "bank",
        "off": off,
        "waiting": waiting[:500],
        "total": waiting.aggregate(all=Sum("amount"))["all"] or 0,
        "batches": PayoutBatch.objects.annotate(count=Count("payouts"), amount=Sum("payouts__amount"))[:SHOWN],
        "without": refund_accounts.without().count(),
        "back": Payout.objects.filter(state__in=paying.OPEN)[:SHOWN],
        "may_prepare": may(actor, paying.PREPARE),
    }
    return render(request, "treasury/payouts.html", context)


def _prepare(request: HttpRequest, actor: Actor) -> HttpResponse:
    """A batch of the chosen ones; or one that came back is tried again, or given up."""
    post = request.POST
    one = Payout.objects.filter(pk=whole(post.get("payout", "")) or 0).first()
    if one is not None:
        again = post.get("what") == "again"
        done_or_said(
            request,
            lambda: paying.again(actor, one, iban=post.get("iban", "")) if again else paying.give_up(actor, one),
            _("It waits again.") if again else _("The money is back where it came from."),
        )
        return redirect("treasury_payouts")
    chosen = [number for text in post.getlist("chosen") if (number := whole(text)) is not None]
    try:
        made = paying.prepare(actor, Payout.objects.filter(pk__in=chosen), day(post.get("execute_on", "")))
    except CityhallError as refused:
        if refused.status == 403:
            raise
        messages.warning(request, str(refused))
        return redirect("treasury_payouts")
    return redirect("treasury_batch", made.pk)


@never_cache
@require_http_methods(["GET", "HEAD"])
def batch(request: HttpRequest, number: int) -> HttpResponse:
    """One batch: who prepared it, what is in it, and the next step."""
    actor = money_reader(request)
    found = get_object_or_404(PayoutBatch, pk=number)
    rows = list(found.payouts.order_by("pk"))
    context = {
        "tab": "bank",
        "batch": found,
        "payouts": rows,
        "total": sum(one.amount for one in rows),
        "fetches": found.fetches.order_by("pk"),
        "may_release": found.state == BatchState.PREPARED
        and may(actor, paying.RELEASE)
        and str(actor) != found.prepared_by,
        "own": str(actor) == found.prepared_by,
        "may_withdraw": found.state == BatchState.PREPARED and may(actor, paying.PREPARE),
        "may_fetch": bool(found.fetches_left) and may(actor, paying.FETCH),
        "step": "treasury_batch_step",
        "may_allow": found.fetches.exists() and not found.fetches_left and may(actor, paying.RELEASE),
    }
    return render(request, "treasury/batch.html", context)


@require_POST
def step(request: HttpRequest, number: int, what: str) -> HttpResponse:
    """Releases a batch, withdraws it, fetches its file or allows that once more. Raises Missing for any other step."""
    actor = money_reader(request)
    found = get_object_or_404(PayoutBatch, pk=number)
    reason = request.POST.get("reason", "")
    if what == "fetch":
        return file_answer(request, lambda: paying.fetch(actor, found), found.message_id, "treasury_batch", number)
    steps: dict[str, tuple[Callable[[], object], str]] = {
        "release": (lambda: paying.release(actor, found), _("The batch is released: its file can be fetched once.")),
        "withdraw": (lambda: paying.withdraw(actor, found, reason), _("The batch is withdrawn.")),
        "allow": (lambda: paying.allow_again(actor, found, reason), _("The file can be fetched once more.")),
    }
    if what not in steps:
        raise Missing(_("There is no such step."), code="no_such_step")
    done_or_said(request, *steps[what])
    return redirect("treasury_batch", number)


def file_answer(request: HttpRequest, fetch: Callable[[], bytes], name: str, page: str, number: int) -> HttpResponse:
    """A batch's file for the bank; where it cannot be had, the batch's page, which says why. Raises Denied."""
    try:
        content = fetch()
    except CityhallError as refused:
        if refused.status == 403:
            raise
        messages.warning(request, str(refused))
        return redirect(page, number)
    answer = HttpResponse(content, content_type="application/xml")
    answer["Content-Disposition"] = f'attachment; filename="{name}.xml"'
    return answer


def done_or_said(request: HttpRequest, work: Callable[[], object], well: str) -> None:
    """Does it, and says that it was done or why not. Raises Denied."""
    try:
        work()
    except CityhallError as refused:
        if refused.status == 403:
            raise
        messages.warning(request, str(refused))
    else:
        messages.success(request, well)
