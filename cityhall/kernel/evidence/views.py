"""The officers' pages: what there is, and of one piece what it is, who had it, hand it over, take it along.

To look is to leave a line in its custody: each sight of its page is one, the original and exports are pressed for. The
list tells only that there are pieces, and what they are about.
"""

from __future__ import annotations

from typing import IO
from urllib.parse import quote

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from cityhall.kernel.errors import CityhallError, Denied, Missing
from cityhall.kernel.evidence import actions, exporting, queries
from cityhall.kernel.evidence.forms import HandOver, Prolong
from cityhall.kernel.evidence.kinds import about, kind_name, require_piece, visible
from cityhall.kernel.evidence.models import Evidence, Seal
from cityhall.kernel.people.actors import actor_of
from cityhall.kernel.people.models import Person
from cityhall.kernel.values import whole

LISTED = 50


@login_required
@require_safe
def listed(request: HttpRequest) -> HttpResponse:
    """The pieces that the reader may see, the latest first; with ?about= those about one thing. Raises Denied."""
    pieces, subject = visible(actor_of(request)), request.GET.get("about", "").replace("\0", "")[:200]
    before = whole(request.GET.get("before", "")) or 0
    if subject:
        pieces = pieces.filter(subject=subject)
    if before:
        pieces = pieces.filter(pk__lt=before)
    found = list(pieces.select_related("seal")[: LISTED + 1])
    rows = [_row(one) for one in found[:LISTED]]
    context = {
        "pieces": rows,
        "subject": subject,
        "about": about(found[0]) if subject and found else None,
        "whole": any(not row["erased"] for row in rows),
        "before": before,
        "older": found[LISTED - 1].pk if len(found) > LISTED else 0,
    }
    response = render(request, "evidence/list.html", context)
    response["Cache-Control"] = "no-store"
    return response


def _row(piece: Evidence) -> dict[str, object]:
    seal = getattr(piece, "seal", None)
    told = {"kind": kind_name(piece.kind), "about": about(piece)[0]}
    return told | {"piece": piece, "erased": seal is None, "until": seal and seal.keep_until}


@login_required
@require_POST
def export_all(request: HttpRequest) -> HttpResponseBase:
    """Everything about one thing that the reader may see and that was not erased, as one file. Raises Missing."""
    subject = request.POST.get("about", "").replace("\0", "")
    pieces = list(visible(actor_of(request)).filter(subject=subject).exclude(seal=None))
    if not pieces or not subject:
        raise Missing(_("Nothing is kept about this."), code="missing")
    bundle: IO[bytes] = exporting.export(actor_of(request), pieces[::-1])
    return _to_save(
        FileResponse(bundle, content_type="application/zip"), f"evidence-{pieces[-1].pk}-{pieces[0].pk}.zip"
    )


@login_required
@require_safe
def page(request: HttpRequest, pk: int) -> HttpResponse:
    """What is known of the piece."""
    piece = queries.find(pk)
    actions.view(actor_of(request), piece)
    return _page(request, piece, HandOver(), Prolong())


def _page(request: HttpRequest, piece: Evidence, hand: forms.Form, longer: forms.Form) -> HttpResponse:
    holders = queries.held(piece)
    names = queries.names_of({one.holder for one in holders})
    context = {
        "piece": piece,
        "kind": kind_name(piece.kind),
        "about": about(piece),
        "seal": Seal.objects.filter(evidence=piece).first(),
        "holders": [(names[one.holder], one.since, one.until) for one in holders],
        "lines": queries.lines(piece),
        "hand": hand,
        "longer": longer,
    }
    response = render(request, "evidence/piece.html", context, status=422 if hand.errors or longer.errors else 200)
    response["Cache-Control"] = "no-store"
    return response


@login_required
@require_POST
def original(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The bytes as they came, to be saved: a browser never shows them as a page of ours."""
    piece = queries.find(pk)
    chunks = actions.open_original(actor_of(request), piece)
    seal = actions.seal_of(piece)
    response = StreamingHttpResponse(chunks, content_type="application/octet-stream")
    response["Content-Length"] = str(piece.size)
    return _to_save(response, seal.name)


@login_required
@require_POST
def export(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The piece with its manifest, custody and watermark."""
    piece = queries.find(pk)
    bundle: IO[bytes] = exporting.export(actor_of(request), [piece])
    return _to_save(FileResponse(bundle, content_type="application/zip"), f"evidence-{piece.pk}.zip")


def _to_save(response: HttpResponseBase, name: str) -> HttpResponseBase:
    response["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
    response["Cache-Control"] = "no-store"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response


@login_required
@require_POST
def hand_over(request: HttpRequest, pk: int) -> HttpResponse:
    """Gives it into somebody's keeping."""
    piece = queries.find(pk)
    require_piece(actor_of(request), piece)
    form = HandOver(request.POST)
    if form.is_valid():
        try:
            line = actions.hand_over(
                actor_of(request), piece, to=_officer(form.cleaned_data["email"]), note=form.cleaned_data["note"]
            )
        except Denied:
            raise
        except CityhallError as problem:
            form.add_error(problem.field if problem.field in form.fields else None, str(problem))
        else:
            to = queries.names_of({line.to})[line.to]
            messages.success(request, _("Handed over to %(person)s.") % {"person": to})
            return redirect("evidence", pk=pk)
    return _page(request, piece, form, Prolong())


def _officer(email: str) -> Person | None:
    """Who has that address. Raises Missing where nobody has."""
    if not email:
        return None
    person = Person.objects.filter(email__iexact=email, is_active=True).first()
    if person is None:
        raise Missing(_("Nobody has an account with this address."), code="no_account", field="email")
    return person


@login_required
@require_POST
def prolong(request: HttpRequest, pk: int) -> HttpResponse:
    """Keeps it longer."""
    piece = queries.find(pk)
    require_piece(actor_of(request), piece)
    form = Prolong(request.POST)
    if form.is_valid():
        try:
            actions.prolong(actor_of(request), piece, form.moment(), why=form.cleaned_data["why"])
        except Denied:
            raise
        except CityhallError as problem:
            form.add_error(problem.field if problem.field in form.fields else None, str(problem))
        else:
            messages.success(request, _("It is kept longer."))
            return redirect("evidence", pk=pk)
    return _page(request, piece, HandOver(), form)
