"""Bookings as iCalendar (RFC 5545), with moments in UTC: a booking is made for a moment, whatever zones do later."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils.translation import get_language

from cityhall.kernel.bookings.models import Booking, State

if TYPE_CHECKING:
    from icalendar import Event

STATUS = {State.HELD: "TENTATIVE", State.REQUESTED: "TENTATIVE", State.CONFIRMED: "CONFIRMED"}
"""Every other state is CANCELLED, so that calendars that have it take it out."""


def calendar(bookings: Iterable[Booking], name: str = "") -> bytes:
    """A calendar of bookings whose `parts` have their `resource`."""
    from icalendar import Calendar

    made = Calendar()
    made.add("prodid", f"-//Cityhall//{settings.CITY.slug}//{(get_language() or 'en').upper()}")
    made.add("version", "2.0")
    made.add("method", "PUBLISH")
    if name:
        made.add("x-wr-calname", name)
    for booking in bookings:
        made.add_component(_event(booking))
    return bytes(made.to_ical())


def _event(booking: Booking) -> Event:
    from icalendar import Event

    asked = [part.resource for part in booking.parts.all() if part.asked]
    event = Event()
    event.add("uid", f"{booking.key}@{settings.CITY.slug}.cityhall")
    event.add("dtstamp", booking.changed_at.astimezone(UTC).replace(microsecond=0))
    event.add("dtstart", booking.begin.astimezone(UTC))
    event.add("dtend", booking.end.astimezone(UTC))
    event.add("sequence", booking.sequence)
    event.add("status", STATUS.get(State(booking.state), "CANCELLED"))
    event.add("summary", ", ".join(one.name for one in asked))
    page = next((one.page for one in asked if one.page), "")
    if page:
        event.add("url", settings.PUBLIC_URL + page.replace("{booking}", str(booking.pk)))
    return event
