"""What is forgotten: of a person who goes, and of bookings whose time is over."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from cityhall.kernel.bookings import actions, keeping, taking, waiting
from cityhall.kernel.bookings.models import LIVE, Booking, Part, Resource, Series, Waiting, WaitState, Wish
from cityhall.kernel.people.actors import system
from cityhall.kernel.people.models import Person
from cityhall.kernel.work.aside import passing_over

MOST_A_NIGHT = 20_000
WAITING_DAYS = 30


def forget_person(sender: Any, person: Person, **_values: Any) -> None:
    """A person is erased: what they have from now on is free for others, and what they wrote goes."""
    taking.lock_person_anyhow(person.pk)
    ahead = Booking.objects.filter(person=person, state__in=LIVE, end__gt=timezone.now()).order_by("pk")
    # All at once and in their order: booking by booking they would be locked in another than others lock them.
    numbers = {*Part.objects.filter(booking__in=ahead).values_list("resource", flat=True)}
    numbers |= {*Wish.objects.filter(waiting__person=person).values_list("resource", flat=True)}
    if numbers:
        taking.lock(numbers)
    places = Waiting.objects.filter(person=person, state__in=(WaitState.WAITING, WaitState.OFFERED)).order_by("pk")
    for place in places.select_related("booking"):
        waiting.leave(place, system("people"))
    for booking in ahead:
        booking, _resources = keeping.with_locks(booking)
        if booking.is_live:
            actions.end_for_good(booking, system("people"))
    Booking.objects.filter(person=person).update(note="", reason="")
    Series.objects.filter(person=person).update(note="")


def forget() -> int:
    """Every night (a Task's action): bookings that are kept no longer go, and places that nobody waits in; how many."""
    now = timezone.now()
    numbers: set[int] = set()
    for days in Resource.objects.values_list("keep_days", flat=True).distinct():
        # A booking of several goes when the one that keeps it longest lets it.
        longer = Part.objects.filter(asked=True, resource__keep_days__gt=days).values("booking")
        found = Booking.objects.filter(
            end__lt=now - timedelta(days=days), parts__asked=True, parts__resource__keep_days=days
        ).exclude(pk__in=longer)
        numbers.update(found.values_list("pk", flat=True)[:MOST_A_NIGHT])
    gone = 0
    for number in sorted(numbers):
        with passing_over("bookings.forget", number), transaction.atomic():
            gone += bool(Booking.objects.filter(pk=number).delete()[0])
    Waiting.objects.filter(end__lt=now - timedelta(days=WAITING_DAYS)).delete()
    return gone
