"""Who waits is offered what becomes free: once, in order, as a hold that ends."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from cityhall.kernel.bookings import queries
from cityhall.kernel.bookings.actions import cancel, confirm
from cityhall.kernel.bookings.models import Approval, Booking, Resource, Waiting
from cityhall.kernel.bookings.resources import Takes, keep_limit, set_capacity
from cityhall.kernel.bookings.waiting import MOST_WAITING, join, leave, look_again
from cityhall.kernel.clock import running_from
from cityhall.kernel.deadlines import taker
from cityhall.kernel.errors import Conflict, Denied, TooMany
from cityhall.kernel.notify.models import Notification
from cityhall.kernel.people.actors import person_actor
from cityhall.kernel.people.models import Person
from cityhall.kernel.people.privacy import erase
from tests.kernel.bookings.test_bookings import refused
from tests.kernel.bookings.world import OFFICE, at, booked, held, person, room

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def wait(resource: Resource, begin: float, end: float, who: Person, **more: Any) -> Waiting:
    return join([resource], at(begin), at(end), **{"who": who, "key": uuid4(), "actor": person_actor(who)} | more)


def states() -> list[str]:
    return list(Waiting.objects.order_by("pk").values_list("state", flat=True))


def act() -> None:
    """All that is due now, as a city's processes do it."""
    while taker.take_due(timezone.now() + timedelta(seconds=1)):
        pass


def test_the_first_who_fits_is_offered_it_then_the_next() -> None:
    hall = room(offer_min=30)
    mine = booked(hall, 10, 12)
    booked(hall, 12, 13)
    ana, bob, eva = person(), person("bob"), person("eva")
    wait(hall, 11, 13, eva)
    places = [wait(hall, 10, 12, ana), wait(hall, 11, 12, bob)]
    assert [queries.place_in_line(one) for one in places] == [2, 3]
    cancel(mine, OFFICE)
    # Between the two nobody else gets it, but who does not stand in the way may.
    with refused(Conflict, "promised"):
        held(hall, 11, 12)
    with refused(Conflict, "promised"):
        held(hall, 11, 12, bob)
    act()
    assert states() == ["waiting", "offered", "waiting"]
    offer = Waiting.objects.get(person=ana).booking
    assert offer is not None and (offer.state, offer.person, offer.begin) == ("held", ana, at(10))
    act()
    look_again()
    act()
    assert Notification.objects.filter(person=ana).count() == 1 and not Notification.objects.filter(person=bob).exists()
    with running_from(offer.expires_at):
        assert taker.take_due(offer.expires_at + timedelta(seconds=1))
        act()
        assert states() == ["waiting", "passed", "offered"]
        theirs = Waiting.objects.get(person=bob).booking
        assert theirs is not None and confirm(theirs, person_actor(bob)).state == "confirmed"
    assert states() == ["waiting", "passed", "taken"]


def test_seats_go_to_as_many_as_fit() -> None:
    boats = room(capacity=3)
    mine = booked(boats, 10, 12, seats=3)
    people = [person(name) for name in ("ana", "bob", "eva")]
    for who, seats in zip(people, (2, 2, 1), strict=True):
        wait(boats, 10, 12, who, seats=seats)
    cancel(mine, OFFICE)
    act()
    assert states() == ["offered", "waiting", "offered"]
    set_capacity(OFFICE, boats, 5)
    act()
    assert states() == ["offered"] * 3


def test_who_cannot_have_it_any_more_does_not_stand_in_the_way() -> None:
    limit = keep_limit("one", open_most=1)
    hall, other = room(limit=limit), room("other", limit=limit)
    mine, ana, bob, eva = booked(hall, 10, 12), person(), person("bob"), person("eva")
    for who in (ana, bob, eva):
        wait(hall, 10, 12, who)
    booked(other, 10, 12, ana)
    Person.objects.filter(pk=bob.pk).update(is_active=False)
    cancel(mine, OFFICE)
    act()
    assert states() == ["passed", "passed", "offered"]
    assert Waiting.objects.get(person=ana).why == "open_most" and Notification.objects.filter(person=ana).count() == 1


def test_what_is_waited_for_together_is_offered_together() -> None:
    house = room("house", capacity=2)
    hall = room(also=[Takes(house, 2)])
    whole, ana = booked(hall, 10, 12), person()
    wait(hall, 10, 12, ana)
    cancel(whole, OFFICE)
    # Somebody has one of the house's places only for a time that is not in the way.
    half = held(house, 12, 13)
    act()
    assert states() == ["offered"] and half.state == "held"


def test_only_what_is_taken_is_waited_for_and_within_measure() -> None:
    hall, ana, key = room(), person(), uuid4()
    with refused(Conflict, "free"):
        wait(hall, 10, 12, ana)
    for hour in range(MOST_WAITING + 1):
        booked(hall, hour, hour + 1)
    place = wait(hall, 0, 1, ana, key=key)
    assert wait(hall, 0, 1, ana, key=key) == place
    with refused(Conflict, "waiting_already"):
        wait(hall, 0, 1, ana)
    for hour in range(1, MOST_WAITING):
        wait(hall, hour, hour + 1, ana)
    with refused(TooMany, "waiting_most"):
        wait(hall, MOST_WAITING, MOST_WAITING + 1, ana)
    with refused(Denied, "denied"):
        leave(place, person_actor(person("bob")))
    assert leave(place, person_actor(ana)).state == "left"


def test_who_waits_until_it_has_begun_is_told_so() -> None:
    hall, ana = room(), person()
    booked(hall, 10, 12)
    wait(hall, 10, 12, ana)
    with running_from(at(10) + MINUTE):
        look_again()
        act()
    assert states() == ["passed"] and Waiting.objects.get().why == "past"


def test_an_erased_persons_bookings_are_free_for_who_waits() -> None:
    hall, ana, bob = room(), person(), person("bob")
    mine = booked(hall, 10, 12, ana, note="Party")
    wait(hall, 10, 12, bob)
    erase(person_actor(ana), ana)
    act()
    mine = Booking.objects.get(pk=mine.pk)
    assert (mine.state, mine.person, mine.note) == ("cancelled", None, "") and states() == ["offered"]


def test_an_early_place_for_something_else_is_no_way_past_the_line() -> None:
    hall, ana, bob = room(), person(), person("bob")
    mine = [booked(hall, 9, 10), booked(hall, 10, 12)]
    wait(hall, 9.5, 10.5, ana)
    wait(hall, 10, 12, bob)
    cancel(mine[1], OFFICE)
    with refused(Conflict, "promised"):
        held(hall, 10, 12, ana)
    # Whose turn it is need not wait for the offer.
    assert held(hall, 10, 12, bob).state == "held"


def test_rules_that_changed_meanwhile_leave_nobody_waiting_for_ever() -> None:
    hall, house = room(), room("house")
    mine, ana, bob = booked(hall, 10, 12), person(), person("bob")
    wait(hall, 10, 12, ana)
    # What it takes along was added since, and is taken: she waits on, and is in nobody's way.
    other = booked(house, 10, 12)
    room(also=[Takes(house)])
    cancel(mine, OFFICE)
    act()
    assert states() == ["waiting"]
    with refused(Conflict, "taken"):
        held(hall, 10, 12, bob)
    # Officers choose now: nobody waits for that.
    room(also=[], approval=Approval.COMPETE)
    cancel(other, OFFICE)
    act()
    assert states() == ["passed"] and Waiting.objects.get().why == "chosen"
