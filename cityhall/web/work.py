"""Where officers begin: every desk that their roles open, how much waits there, and what is late."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from cityhall.kernel.people.actors import person_of
from cityhall.kernel.people.desks import desks_of, opened_by


@login_required
@require_safe
def work(request: HttpRequest) -> HttpResponse:
    """Every desk of whoever asks, one press to each."""
    return render(request, "web/work.html", {"desks": opened_by(person_of(request))})


class Adapter(DefaultAccountAdapter):
    """Where people are sent by the pages of accounts."""

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        """Officers begin at their work; a page that asked for the sign-in has gone before this."""
        home: str = super().get_login_redirect_url(request)
        user: Any = request.user
        return reverse("work") if user.is_authenticated and desks_of(user) else home
