"""Calendars to take along and to subscribe to."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from cityhall.kernel.bookings import feeds, ical, queries
from cityhall.kernel.errors import Missing
from cityhall.kernel.people.actors import person_of


@require_safe
def feed(request: HttpRequest, secret: str) -> HttpResponse:
    """A person's bookings, for whoever knows the address."""
    return _answer(ical.calendar(feeds.followed(secret), _("Bookings")))


@require_safe
def one(request: HttpRequest, pk: int) -> HttpResponse:
    """A booking of whoever asks."""
    found = queries.of_person(person_of(request)).filter(pk=pk).first()
    if found is None:
        raise Missing(_("There is no such booking."), code="no_such_booking")
    return _answer(ical.calendar([found]))


def _answer(body: bytes) -> HttpResponse:
    answer = HttpResponse(body, content_type="text/calendar; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="bookings.ics"'
    # Nobody between keeps it, and the address goes nowhere.
    answer["Cache-Control"] = "private, no-store"
    answer["Referrer-Policy"] = "no-referrer"
    return answer
