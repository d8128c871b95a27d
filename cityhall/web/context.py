"""What every page's template may use."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from cityhall.kernel import clock
from cityhall.kernel.people.desks import desks_of
from cityhall.kernel.people.models import Person


def shell(request: HttpRequest) -> dict[str, Any]:
    """The city, its services, whether whoever asks works for it, and the key browsers subscribe to push with.

    `letters`: the folder that a demo's mails lie in, None where they are sent.
    """
    return {
        "officer": SimpleLazyObject(lambda: _is_officer(request)),
        "city": settings.CITY,
        "services": settings.SERVICES,
        "letters": settings.EMAIL_FILE_PATH if settings.CITY.slug == settings.DEMO else None,
        "clock_ahead": round(clock.ahead()),
        "web_push_key": settings.SECRETS["web_push"]["public"],
    }


def _is_officer(request: HttpRequest) -> bool:
    """Whether some desk is open to whoever asks. Not known on pages of errors, which come before anybody is."""
    user = getattr(request, "user", None)
    return isinstance(user, Person) and user.is_active and bool(desks_of(user))
