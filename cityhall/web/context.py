"""What every page's template may use."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cityhall.kernel import clock
from cityhall.kernel.notify.sending import unread
from cityhall.kernel.people.actors import as_resident
from cityhall.kernel.people.desks import desks_of
from cityhall.kernel.people.models import Person
from cityhall.kernel.people.wording import role_name
from cityhall.kernel.service import Service
from cityhall.web.assets import owner
from cityhall.web.demo_accounts import offered

TEXT_COOKIE = "text"
TEXT_SIZES = ("large", "larger")
EMERGENCIES = {
    "all": _("Emergency"),
    "police": _("Police"),
    "ambulance": _("Ambulance"),
    "fire": _("Fire brigade"),
    "civil_defence": _("Civil defence"),
    "sea": _("Rescue at sea"),
}
CONTACTS = {
    "phone": (_("Telephone"), "tel:"),
    "email": (_("E-mail"), "mailto:"),
    "address": (_("Address"), ""),
    "hours": (pgettext_lazy("hours", "Open"), ""),
}


def shell(request: HttpRequest) -> dict[str, Any]:
    """The city, its services, who asks and what waits for them, and the key browsers subscribe to push with.

    `letters`: the folder that a demo's mails lie in, None where they are sent. `as_resident`: whether an officer looks
    at the city as a resident does, and wants a way back. What asks the database is asked only where a page shows it.
    """
    city = settings.CITY
    return {
        "officer": SimpleLazyObject(lambda: _is_officer(request)),
        "as_resident": SimpleLazyObject(lambda: as_resident(request)),
        "demo_accounts": SimpleLazyObject(offered),
        "working_as": SimpleLazyObject(lambda: _roles(request)),
        "inbox_count": SimpleLazyObject(lambda: _unread(request)),
        "city": city,
        "services": settings.SERVICES,
        "used": _used(request),
        "city_map": "/map/" if any(service.slug == "map" for service in settings.SERVICES) else "",
        "emergency": [(EMERGENCIES[name], number) for name, number in city.emergency.items()],
        "contact": [(name, *_reached(name, text)) for name, text in city.contact.items()],
        "text_size": _text_size(request),
        "origin": f"{request.scheme}://{request.get_host()}",
        "letters": settings.EMAIL_FILE_PATH if city.slug == settings.DEMO else None,
        "clock_ahead": round(clock.ahead()),
        "web_push_key": settings.SECRETS["web_push"]["public"],
    }


def _person(request: HttpRequest) -> Person | None:
    """Who asks. Not known on pages of errors, which come before anybody is."""
    user = getattr(request, "user", None)
    return user if isinstance(user, Person) and user.is_active else None


def _is_officer(request: HttpRequest) -> bool:
    person = _person(request)
    return person is not None and not as_resident(request) and bool(desks_of(person))


def _roles(request: HttpRequest) -> list[str]:
    """What an officer works as, in words; nothing for a resident."""
    person = _person(request)
    if person is None:
        return []
    return [role_name(one) for one in sorted(set(person.memberships.values_list("role", flat=True)))]


def _unread(request: HttpRequest) -> int:
    person = _person(request)
    return unread(person.pk) if person else 0


def _used(request: HttpRequest) -> Service | None:
    """The service that a page is of, where it has a first page to come back to."""
    service = owner(request)
    return service if service and service.home else None


def _reached(name: str, text: str) -> tuple[Any, str, str]:
    """(what it is, its text, where a press leads)."""
    label, scheme = CONTACTS[name]
    return label, text, f"{scheme}{text.replace(' ', '')}" if scheme else ""


def _text_size(request: HttpRequest) -> str:
    chosen = request.COOKIES.get(TEXT_COOKIE, "")
    return chosen if chosen in TEXT_SIZES else ""
