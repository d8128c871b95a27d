"""Where officers begin: every desk that their roles open, how much waits there, and what is late."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from cityhall.kernel.people.actors import person_of
from cityhall.kernel.people.desks import opened_by


@login_required
@require_safe
def work(request: HttpRequest) -> HttpResponse:
    """Every desk of whoever asks, one press to each."""
    return render(request, "web/work.html", {"desks": opened_by(person_of(request))})
