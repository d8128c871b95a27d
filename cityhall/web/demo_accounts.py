"""The demo's accounts for whoever looks around: one of every role, and a resident; one press signs in as one of them.

Only in the demo city, and only for those that `cityhall demo` wrote into the folder when it made them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from allauth.account.internal.flows.login import perform_login
from allauth.account.models import Login
from allauth.account.utils import get_next_redirect_url
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from cityhall.kernel.people.models import Person
from cityhall.kernel.people.wording import role_name

FILE = "accounts.json"
"""In the demo's folder: the addresses of these accounts, a JSON array of strings."""


@dataclass(frozen=True, slots=True)
class Offered:
    """One of these accounts: its address, its person's name, and what they do in the city, in the reader's words."""

    email: str
    name: str
    what: str


def offered() -> list[Offered]:
    """All of them, by what they do, the residents first; none in a city that is not the demo."""
    people = Person.objects.filter(email__in=_addresses(), is_active=True).prefetch_related("memberships")
    found = [Offered(one.email, one.name, _what(one)) for one in people]
    return sorted(found, key=lambda one: (one.what != _("A resident"), one.what.casefold()))


def _addresses() -> list[str]:
    if settings.CITY.slug != settings.DEMO:
        return []
    path = settings.CITY_FOLDER / FILE
    return [str(one) for one in json.loads(path.read_text())] if path.exists() else []


def _what(person: Person) -> str:
    return ", ".join(role_name(one.role) for one in person.memberships.all()) or _("A resident")


@require_POST
def enter(request: HttpRequest) -> HttpResponse:
    """Signs in as one of them, through the stages of every sign-in: who gave it a second factor is asked for it."""
    email = request.POST.get("email", "")
    person = Person.objects.filter(email=email, is_active=True).first() if email in _addresses() else None
    if person is None:
        raise Http404
    there: str | None = get_next_redirect_url(request)
    response: HttpResponse = perform_login(request, Login(user=person, redirect_url=there, email=email))
    return response
