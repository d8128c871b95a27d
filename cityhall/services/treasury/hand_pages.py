"""What the treasurer does by hand: finds a posting, reverses it, lets a hold go, agrees to what a colleague asked."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cityhall.kernel.errors import CityhallError, Missing
from cityhall.kernel.ledger.models import Account, Hold, Posting
from cityhall.kernel.people.actors import Actor, actor_of
from cityhall.kernel.people.permissions import may
from cityhall.kernel.values import whole
from cityhall.services.treasury import corrections as done
from cityhall.services.treasury import reading
from cityhall.services.treasury.models import Correction, Release, State
from cityhall.services.treasury.pages import reader

LINES = 100


@never_cache
@require_safe
def holds(request: HttpRequest) -> HttpResponse:
    """What is held now, what expires first at the top."""
    reader(request)
    page = max(1, whole(request.GET.get("page", ""), 10**6) or 1)
    found = list(reading.open_holds()[(page - 1) * LINES : page * LINES + 1])
    context = {
        "tab": "holds",
        "holds": found[:LINES],
        "totals": reading.held_by_unit(),
        "now": timezone.now(),
        "soon": timezone.now() + reading.SOON,
        "page": page,
        "more": len(found) > LINES,
    }
    return render(request, "treasury/holds.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def hold(request: HttpRequest, uid: UUID) -> HttpResponse:
    """One hold: what it keeps, what became of it, and how to let it go."""
    actor = reader(request)
    problem: CityhallError | None = None
    if request.method == "POST":
        try:
            done.let_go(actor, uid, request.POST.get("reason", ""))
            messages.success(request, _("It is let go."))
            return redirect("treasury_hold", uid)
        except CityhallError as refused:
            problem = refused
    found = Hold.objects.select_related("debit", "credit").filter(uid=uid).first()
    if found is None:
        raise Missing(_("There is no such hold."), code="no_such_hold")
    context = {
        "tab": "holds",
        "hold": found,
        "postings": found.postings.order_by("at"),
        "release": Release.objects.filter(hold=uid).select_related("officer").first(),
        "may_void": found.state == "held" and may(actor, done.VOID),
        "problem": problem,
        "typed": request.POST.get("reason", ""),
    }
    return render(request, "treasury/hold.html", context, status=problem.status if problem else 200)


@never_cache
@require_safe
def find(request: HttpRequest) -> HttpResponse:
    """Postings, holds and accounts by a number, a subject or the beginning of an account's name."""
    reader(request)
    words = request.GET.get("q", "").strip()[:200]
    postings, held, accounts = reading.find(words)
    context = {"tab": "find", "words": words, "postings": postings, "holds": held, "accounts": accounts}
    return render(request, "treasury/find.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def posting(request: HttpRequest, uid: UUID) -> HttpResponse:
    """One posting: its entries, what it reverses and what reverses it; and how to reverse it."""
    actor = reader(request)
    problem: CityhallError | None = None
    if request.method == "POST":
        try:
            made = done.ask(actor, uid, request.POST.get("reason", ""), forced=request.POST.get("forced") == "1")
            said = _("It waits for a second officer.") if made.second else _("It is reversed.")
            messages.success(request, said)
            return redirect("treasury_posting", uid)
        except CityhallError as refused:
            problem = refused
    return _posting(request, actor, uid, problem)


def _posting(request: HttpRequest, actor: Actor, uid: UUID, problem: CityhallError | None = None) -> HttpResponse:
    found = Posting.objects.select_related("reverses", "hold").filter(uid=uid).first()
    if found is None:
        raise Missing(_("There is no such posting."), code="no_such_posting")
    left = done.left_of(found)
    asked = Correction.objects.filter(posting=uid).select_related("asker", "decider")
    waits = any(one.state == State.ASKED for one in asked)
    context = {
        "tab": "find",
        "posting": found,
        "entries": reading.entries_of(found.uid),
        "reversals": found.reversals.order_by("at"),
        "left": [(one, left[one.pk]) for one in Account.objects.filter(pk__in=left).order_by("key")],
        "is_partly": bool(left) and found.reversals.exists(),
        "corrections": asked,
        "may_reverse": bool(left) and not waits and may(actor, done.REVERSE),
        "second": bool(left) and done.needs_second(left),
        "problem": problem,
        "typed": request.POST,
    }
    return render(request, "treasury/posting.html", context, status=problem.status if problem else 200)


@never_cache
@require_safe
def corrections(request: HttpRequest) -> HttpResponse:
    """What was asked for and what became of it; what waits is first."""
    actor = reader(request)
    known = Correction.objects.select_related("asker", "decider")
    context = {
        "tab": "corrections",
        "waiting": _with_postings(known.filter(state=State.ASKED)),
        "decided": _with_postings(known.exclude(state=State.ASKED)[:LINES]),
        "me": actor.person_id,
        "may_decide": may(actor, done.REVERSE),
    }
    return render(request, "treasury/corrections.html", context)


def _with_postings(found: QuerySet[Correction]) -> list[tuple[Correction, Posting | None, list[tuple[str, int]]]]:
    """Each with its posting, and how much of each unit that moved."""
    given = list(found)
    postings = Posting.objects.in_bulk([one.posting for one in given])
    return [(one, postings.get(one.posting), _moved(one.posting)) for one in given]


def _moved(uid: UUID) -> list[tuple[str, int]]:
    moved: dict[str, int] = {}
    for entry in reading.entries_of(uid):
        moved[entry.account.unit] = moved.get(entry.account.unit, 0) + max(0, entry.amount)
    return sorted(moved.items())


@require_POST
def decide(request: HttpRequest, number: int, what: str) -> HttpResponse:
    """Agrees to a correction, or refuses it with a reason. Raises Missing for any other step."""
    actor = actor_of(request)
    try:
        if what == "agree":
            made = done.agree(actor, number)
            messages.success(request, _("It is reversed."))
            return redirect("treasury_posting", made.posting)
        if what != "refuse":
            raise Missing(_("There is no such step."), code="no_such_step")
        done.refuse(actor, number, request.POST.get("reason", ""))
        messages.success(request, _("It is refused."))
    except CityhallError as refused:
        if refused.status in (403, 404):
            raise
        messages.warning(request, str(refused))
    return redirect("treasury_corrections")
