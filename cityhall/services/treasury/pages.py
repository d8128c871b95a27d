"""The treasurer's pages of the whole books: overview, trial balance, liability of points, debts, proofs."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from cityhall.kernel.errors import Invalid
from cityhall.kernel.journal import append
from cityhall.kernel.ledger.models import Posting
from cityhall.kernel.people.actors import Actor, actor_of
from cityhall.kernel.people.permissions import require
from cityhall.kernel.values import moment, whole
from cityhall.services.treasury import corrections, pictures, reading, tables
from cityhall.services.treasury.corrections import SEE
from cityhall.web.tables import answer

SHOWN = 200
"""Accounts on a page of the trial balance."""


def reader(request: HttpRequest) -> Actor:
    """Who asks, who may see the books. Raises Denied."""
    actor = actor_of(request)
    require(actor, SEE)
    return actor


def took_along(actor: Actor, what: str, **which: str) -> None:
    """Puts into the journal that somebody took a table along."""
    with transaction.atomic():
        append("treasury", "table.taken", {"what": what, **which}, actor=str(actor))


@never_cache
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """How the books stand: what is equal, what waits, what was found."""
    actor = reader(request)
    proof = next(iter(reading.proofs(1)), None)
    context = {
        "tab": "overview",
        "sheets": reading.sheets(),
        "held": reading.held_by_unit(),
        "soon": reading.open_holds().filter(expires_at__lt=timezone.now() + reading.SOON).count(),
        "debts": reading.debts().count(),
        "liabilities": [(unit, sum(due.amount for due in reading.liability(unit)[1])) for unit in reading.lot_units()],
        "proof": proof,
        "last": Posting.objects.order_by("-at").first(),
        "waiting": corrections.waiting_for(actor),
    }
    return render(request, "treasury/overview.html", context)


@never_cache
@require_safe
def trial(request: HttpRequest) -> HttpResponse:
    """The trial balance at an instant: every account's debit or credit balance, and that the sums are equal."""
    reader(request)
    at = asked_moment(request)
    found = reading.sheets(at)
    unit = request.GET.get("unit", "")
    sheet = next((one for one in found if one.unit == unit), found[0] if found else None)
    begins = request.GET.get("account", "").strip()
    rows = [row for row in (sheet.rows if sheet else ()) if row.key.startswith(begins)]
    empty = request.GET.get("empty") == "1"
    rows = rows if empty else [row for row in rows if row.posted]
    page = max(1, whole(request.GET.get("page", ""), 10**6) or 1)
    context = {
        "tab": "trial",
        "at": at,
        "sheets": found,
        "sheet": sheet,
        "begins": begins,
        "empty": empty,
        "count": len(rows),
        "rows": rows[(page - 1) * SHOWN : page * SHOWN],
        "page": page,
        "more": len(rows) > page * SHOWN,
    }
    return render(request, "treasury/trial.html", context)


@never_cache
@require_safe
def trial_csv(request: HttpRequest) -> StreamingHttpResponse:
    """The same as a table, with every unit."""
    actor, at = reader(request), asked_moment(request)
    took_along(actor, "trial", at=tables.moment(at))
    day = timezone.localtime(at or timezone.now(), settings.CITY.zone)
    return answer(f"trial-balance-{day:%Y-%m-%d-%H%M%S}", tables.TRIAL_HEAD, tables.trial(reading.sheets(at)))


def asked_moment(request: HttpRequest) -> datetime | None:
    """The instant in `at`, on the city's clock; None for now. Raises Invalid for what is none, or is not past."""
    text = request.GET.get("at", "").strip()
    if not text:
        return None
    found = moment(text, settings.CITY.zone)
    if found is None or found > timezone.now():
        raise Invalid(_("This is no moment of the past."), field="at", mend=_("Choose a day and a time."))
    return found


@never_cache
@require_safe
def points(request: HttpRequest) -> HttpResponse:
    """What the city owes in points, by the month in which they expire, and where they come from."""
    reader(request)
    units = reading.lot_units()
    unit = request.GET.get("unit", "")
    unit = unit if unit in units else next(iter(units), "")
    origins, dues = reading.liability(unit) if unit else ([], [])
    totals = [sum(due.parts[number] for due in dues) for number in range(len(origins))]
    context = {
        "tab": "points",
        "units": units,
        "unit": unit,
        "origins": origins,
        "totals": totals,
        "total": sum(totals),
        "overdue": reading.overdue(unit) if unit else 0,
        "bars": pictures.bars(dues),
        "size": (pictures.WIDTH, pictures.HEIGHT),
    }
    return render(request, "treasury/points.html", context)


@never_cache
@require_safe
def points_csv(request: HttpRequest) -> StreamingHttpResponse:
    """The same as a table."""
    actor, unit = reader(request), request.GET.get("unit", "")
    took_along(actor, "points", unit=unit[:20])
    rows = tables.liability(unit, *reading.liability(unit))
    return answer(f"liability-{timezone.localdate()}", tables.LIABILITY_HEAD, rows)


@never_cache
@require_safe
def debts(request: HttpRequest) -> HttpResponse:
    """Accounts below their limit, after what could not be refused."""
    reader(request)
    found = reading.debts()
    context = {"tab": "debts", "debts": found[:SHOWN], "count": found.count()}
    return render(request, "treasury/debts.html", context)


@never_cache
@require_safe
def proofs(request: HttpRequest) -> HttpResponse:
    """Whether the books were right, night by night."""
    reader(request)
    return render(request, "treasury/proofs.html", {"tab": "proofs", "proofs": reading.proofs()})
