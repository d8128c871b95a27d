"""What residents find of theirs on the city's own pages, and what City Hall is measured by."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from cityhall.kernel.bookings.models import Booking, State
from cityhall.kernel.people.actors import Actor
from cityhall.services.house import queries, waiting
from cityhall.services.house.models import Order
from cityhall.web.declares import Found
from cityhall.web.rows import Row
from cityhall.web.when import span

DAYS = 30


def rows(actor: Actor) -> list[Row]:
    """A resident's bookings and orders, those first that wait for them."""
    if actor.person_id is None:
        return []
    found = []
    for place in waiting.own(actor):
        if place.offer is not None:
            found.append(Row(place.room.name, f"/house/offers/{place.offer.pk}/", _("free for you"), waits=True))
    for one in queries.own_rows(actor, over=False):
        booking, to_pay = one["booking"], one["reservation"].bill
        waits = to_pay is not None and to_pay.is_open
        detail = f"{span(booking.begin, booking.end)} · {one['standing']}"
        url = f"/house/bookings/{one['reservation'].pk}/"
        found.append(Row(one["room"].name, url, detail, "calendar", booking.begin, waits=waits))
    for order in queries.own_orders(actor):
        if order.state in (Order.State.OPEN, Order.State.PAID):
            name = _("Order %(number)d") % {"number": order.pk}
            url, waits = f"/house/orders/{order.pk}/", order.state == Order.State.OPEN
            found.append(Row(name, url, order.get_state_display(), "star", order.made_at, waits=waits))
    return sorted(found, key=lambda row: not row.waits)


def findable(words: str, most: int) -> list[Found]:
    """Rooms and wares whose name holds what a reader typed, in any language of the city."""
    asked = words.casefold().strip()
    if len(asked) < 2:
        return []
    every = [(one, f"/house/rooms/{one.slug}/", _("Meeting room"), "calendar") for one in queries.rooms()]
    wares = [(one, "/house/shop/", _("The shop"), "star") for one in queries.items()]
    found = [
        Found(one.name, kind, one.told, url, icon)
        for one, url, kind, icon in [*every, *wares]
        if any(asked in str(name).casefold() for name in one.names.values())
    ]
    return found[:most]


def used_share() -> float:
    """Of the bookings of 30 days that are over, the share to which somebody came, in per cent."""
    now = timezone.now()
    over = Booking.objects.filter(reservation__isnull=False, begin__gte=now - timedelta(days=DAYS), end__lte=now)
    came, not_come = over.filter(state=State.CONFIRMED).count(), over.filter(state=State.NO_SHOW).count()
    return 100.0 * came / (came + not_come) if came + not_come else 100.0


def booked_today() -> float:
    """How many bookings begin today."""
    from cityhall.services.house.hours import bounds, today

    begin, end = bounds(today(), 1)
    found = Booking.objects.filter(reservation__isnull=False, begin__gte=begin, begin__lt=end, state=State.CONFIRMED)
    return float(found.count())
