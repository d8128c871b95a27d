"""Many at the same moment, in threads of their own: one outcome, and a clear refusal for the others."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import timedelta
from random import Random
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from cityhall.kernel.bookings.actions import approve, book, cancel, confirm, hold, move
from cityhall.kernel.bookings.models import Approval, Booking, Part, Resource, Taken, Waiting
from cityhall.kernel.bookings.resources import Takes, keep_limit, set_capacity
from cityhall.kernel.bookings.waiting import join
from cityhall.kernel.deadlines import taker
from cityhall.kernel.errors import CityhallError
from cityhall.kernel.people.actors import person_actor
from cityhall.kernel.people.privacy import erase
from tests.kernel.bookings.world import DAY, HOUR, OFFICE, at, booked, held, person, room

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def at_once(*work: Callable[[], Any]) -> Counter[str]:
    """Does all of it at one moment; counts what became of it: "yes", a refusal's code, or what broke."""
    found: list[str] = []
    ready = threading.Barrier(len(work))

    def one(action: Callable[[], Any]) -> None:
        ready.wait()
        try:
            action()
            found.append("yes")
        except CityhallError as refusal:
            found.append(refusal.code)
        except Exception as problem:
            found.append(f"{type(problem).__name__}: {problem}")
        finally:
            connection.close()

    threads = [threading.Thread(target=one, args=(action,)) for action in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Counter(found)


def most_at_once(resource: Resource) -> int:
    """The most seats taken at one moment, by the raw rows."""
    spans = list(Part.objects.filter(resource=resource, live=True).values_list("begins", "ends", "seats"))
    return max((sum(n for b, e, n in spans if b <= moment < e) for moment, _end, _n in spans), default=0)


@pytest.mark.parametrize("seats", [1, 8])
def test_as_many_as_there_are_seats(seats: int) -> None:
    hall = room(capacity=seats)
    found = at_once(*[lambda: held(hall, 10, 11) for _one in range(40)])
    assert found == {"yes": seats, "taken": 40 - seats}
    assert Taken.objects.count() == seats


def test_two_officers_and_two_requests() -> None:
    hall = room(approval=Approval.COMPETE)
    for hour in range(6):
        two = [booked(hall, hour, hour + 1, person(name)) for name in ("ana", "bob")]
        found = at_once(*[lambda one=one: approve(one, OFFICE) for one in two])  # type: ignore[misc]
        assert found == {"yes": 1, "taken": 1}
    assert Booking.objects.filter(state="confirmed").count() == 6


def test_two_officers_and_one_request() -> None:
    hall = room(approval=Approval.TAKE)
    from cityhall.kernel.bookings.actions import refuse

    for hour in range(6):
        one = booked(hall, hour, hour + 1, person())
        found = at_once(lambda one=one: approve(one, OFFICE), lambda one=one: refuse(one, OFFICE, "No"))  # type: ignore[misc]
        assert found["yes"] == 1 and sum(found.values()) == 2, found
        assert found.keys() <= {"yes", "booking_confirmed", "booking_refused"}


def test_one_key_is_one_booking() -> None:
    halls, key, ana = [room(f"hall-{number}") for number in range(4)], uuid4(), person()
    found = at_once(*[lambda hall=hall: held(hall, 10, 11, key=key) for hall in halls])  # type: ignore[misc]
    assert found == {"yes": 1, "key_used": 3}
    key = uuid4()
    same = at_once(*[lambda: held(halls[0], 12, 13, ana, key=key) for _one in range(8)])
    assert same == {"yes": 8} and Booking.objects.filter(key=key).count() == 1


def test_a_limit_is_kept_over_all_resources() -> None:
    limit = keep_limit("two", open_most=2)
    halls, ana = [room(f"hall-{number}", limit=limit) for number in range(8)], person()
    found = at_once(*[lambda hall=hall: held(hall, 10, 11, ana) for hall in halls])  # type: ignore[misc]
    assert found == {"yes": 2, "open_most": 6}


def test_confirming_at_the_very_moment_that_it_expires() -> None:
    hall = room()
    for hour in range(8):
        ana = person()
        mine = held(hall, hour, hour + 1, ana, expires_in=timedelta(seconds=30))
        # As if the thirty seconds were over for the one and not yet for the other.
        due = timezone.now() + timedelta(seconds=31)
        found = at_once(
            lambda mine=mine, ana=ana: confirm(mine, person_actor(ana)), lambda due=due: taker.take_due(due)
        )  # type: ignore[misc]
        mine = Booking.objects.get(pk=mine.pk)
        kept = Taken.objects.filter(part__booking=mine).count()
        assert (mine.state, kept, found["booking_expired"]) in (("confirmed", 1, 0), ("expired", 0, 1)), found


def test_what_is_freed_goes_to_who_waits_whoever_grabs() -> None:
    hall = room()
    people = [person(f"p{number}") for number in range(3)]
    mine = booked(hall, 10, 11)
    for who in people:
        join([hall], at(10), at(11), who=who, key=uuid4(), actor=person_actor(who))
    grabs: Iterable[Callable[[], Any]] = [lambda: held(hall, 10, 11) for _one in range(12)]
    look = [lambda: taker.take_due(timezone.now() + timedelta(seconds=1)) for _one in range(3)]
    found = at_once(lambda: cancel(mine, OFFICE), *grabs, *look)
    assert found.keys() <= {"yes", "taken", "promised"} and found["yes"] == 4, found
    while taker.take_due(timezone.now() + timedelta(seconds=1)):
        pass
    assert [one.state for one in Waiting.objects.order_by("pk")] == ["offered", "waiting", "waiting"]
    assert Booking.objects.get(state="held").person == people[0]


def test_a_throng_of_everything_breaks_nothing() -> None:
    house = room("house", capacity=5)
    halls = [room(f"hall-{number}", capacity=2, also=[Takes(house)], before_min=10) for number in range(3)]
    people = [person(f"p{number}") for number in range(6)]

    def life(seed: int) -> None:
        random = Random(seed)
        for _step in range(12):
            who = random.choice(people[1:])
            begin = DAY + random.randrange(48) * HOUR / 4
            end = begin + random.randrange(1, 9) * HOUR / 4
            chosen = random.sample(halls, random.randrange(1, 4))
            try:
                what = random.randrange(7)
                if what < 3:
                    book(chosen, begin, end, who=who, key=uuid4(), actor=person_actor(who))
                elif what == 3:
                    join(chosen, begin, end, who=who, key=uuid4(), actor=person_actor(who))
                elif what == 4 and (mine := Booking.objects.filter(state="confirmed").order_by("?").first()):
                    cancel(mine, OFFICE)
                elif what == 5 and (mine := Booking.objects.filter(state="confirmed").order_by("?").first()):
                    move(mine, begin, end, OFFICE)
                else:
                    taker.take_due(timezone.now() + timedelta(seconds=1))
            except CityhallError:
                pass

    def govern() -> None:
        for seats in (7, 6, 5, 8, 5):
            with suppress(CityhallError):
                set_capacity(OFFICE, house, seats)
        erase(person_actor(people[0]), people[0])

    hold(halls, at(90), at(91), who=people[0], key=uuid4())
    found = at_once(*[lambda seed=seed: life(seed) for seed in range(7)], govern)  # type: ignore[misc]
    assert found == {"yes": 8}
    house.refresh_from_db()
    assert most_at_once(house) <= house.capacity and all(most_at_once(hall) <= 2 for hall in halls)
    seats = sum(Part.objects.filter(live=True).values_list("seats", flat=True))
    assert Taken.objects.count() == seats
