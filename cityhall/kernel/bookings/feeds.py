"""A person's bookings under a private address that their calendar reads: whoever knows it reads them."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.bookings.models import LIVE, Booking, Feed, State
from cityhall.kernel.errors import Denied, Missing
from cityhall.kernel.journal import append
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.models import Person

SECRET_BYTES = 32
PAST = timedelta(days=60)


def _digest(secret: str) -> bytes:
    """What is kept of a secret. It has 256 bits of chance in it, so a plain hash cannot be turned back."""
    return hashlib.sha256(secret.encode()).digest()


@transaction.atomic
def open_feed(actor: Actor) -> str:
    """A new private address, a path of this city, shown this once; the one before ends. Raises Denied."""
    person = Person.objects.filter(pk=actor.person_id, is_active=True).first() if actor.person_id else None
    if person is None:
        raise Denied(_("Sign in first."), code="denied")
    secret = secrets.token_urlsafe(SECRET_BYTES)
    Feed.objects.update_or_create(person=person, defaults={"secret": _digest(secret), "made_at": timezone.now()})
    append("bookings", "feed.opened", {}, subject=f"person:{person.pk}", actor=str(actor))
    return reverse("bookings_feed", args=[secret])


@transaction.atomic
def close_feed(actor: Actor) -> None:
    """Ends the private address; ending none is no error."""
    if Feed.objects.filter(person=actor.person_id).delete()[0]:
        append("bookings", "feed.closed", {}, subject=str(actor), actor=str(actor))


def followed(secret: str) -> list[Booking]:
    """What is behind a private address: live bookings, and what ended lately. Raises Missing."""
    feed = Feed.objects.filter(secret=_digest(secret), person__is_active=True).first()
    if feed is None:
        raise Missing(_("There is no calendar behind this address."), code="no_such_feed")
    since = timezone.now() - PAST
    found = Booking.objects.filter(person=feed.person_id, end__gt=since).exclude(state=State.EXPIRED)
    return [one for one in found.prefetch_related("parts__resource").order_by("begin", "pk") if _is_shown(one)]


def _is_shown(booking: Booking) -> bool:
    return booking.state in LIVE or booking.changed_at > timezone.now() - PAST
