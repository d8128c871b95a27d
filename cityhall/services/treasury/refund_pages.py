"""Refunds of which nobody knows to which account they go: one officer tells it, or asks who paid; another agrees."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from cityhall.kernel.errors import CityhallError, Missing
from cityhall.kernel.payments import giving_back, refund_accounts
from cityhall.kernel.payments.models import Refund
from cityhall.kernel.payments.refund_payouts import EURO
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.permissions import may
from cityhall.kernel.values import whole
from cityhall.services.treasury.payment_pages import LINES, money_reader


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def accounts(request: HttpRequest) -> HttpResponse:
    """Those that wait for an account, the oldest first; telling it, agreeing to it, refusing it, asking who paid."""
    actor = money_reader(request)
    problem: CityhallError | None = None
    number = whole(request.POST.get("refund", "")) or 0
    if request.method == "POST":
        try:
            messages.success(request, _do(actor, giving_back.find(number), request.POST))
            return redirect("treasury_refund_accounts")
        except CityhallError as refused:
            if refused.code == "denied" or refused.status == 404:
                raise
            problem = refused
    context = {
        "tab": "bills",
        "refunds": refund_accounts.without()[:LINES],
        "me": actor.person_id,
        "euro": EURO,
        "may_give": may(actor, giving_back.REFUND),
        "may_agree": may(actor, giving_back.APPROVE),
        "problem": problem,
        "wrong": number if problem else 0,
        "typed": request.POST,
    }
    return render(request, "treasury/refund_accounts.html", context, status=problem.status if problem else 200)


def _do(actor: Actor, refund: Refund, post: Any) -> str:
    """Does what the form asks, and gives what is said of it. Raises Missing for any other step."""
    steps: dict[str, tuple[Callable[[], object], str]] = {
        "give": (
            lambda: refund_accounts.give(actor, refund, post.get("name", ""), post.get("iban", "")),
            _("The account is noted: another officer has to agree to it."),
        ),
        "agree": (
            lambda: refund_accounts.agree(actor, refund, post.get("seen", "")),
            _("It waits to be paid out with the next file."),
        ),
        "refuse": (lambda: refund_accounts.refuse(actor, refund), _("Another account has to be told.")),
        "ask": (lambda: refund_accounts.ask(actor, refund), _("Who paid is asked in their inbox.")),
    }
    step = steps.get(post.get("what", ""))
    if step is None:
        raise Missing(_("There is no such step."), code="no_such_step")
    step[0]()
    return step[1]
