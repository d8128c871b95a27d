"""A resource is given once, with its buffers, together with others or not at all, and let go by its rules."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from cityhall.kernel.bookings import queries
from cityhall.kernel.bookings.actions import approve, book, cancel, confirm, hold, move, no_show, refuse
from cityhall.kernel.bookings.keeping import MOST_HELD
from cityhall.kernel.bookings.models import Approval, Booking, Late, Part, Taken, Unit
from cityhall.kernel.bookings.resources import Open, Takes, keep_limit, keep_resource, set_capacity, set_days
from cityhall.kernel.clock import running_from
from cityhall.kernel.deadlines import taker
from cityhall.kernel.errors import CityhallError, Conflict, Denied, Invalid, TooMany
from cityhall.kernel.journal.models import Entry
from cityhall.kernel.people.actors import person_actor
from tests.kernel.bookings.world import HOUR, OFFICE, at, booked, held, person, room

pytestmark = pytest.mark.django_db


def refused(kind: type[CityhallError], code: str):  # type: ignore[no-untyped-def]
    class Refused:
        def __enter__(self) -> None: ...

        def __exit__(self, _kind: object, problem: object, _trace: object) -> bool:
            assert isinstance(problem, kind) and problem.code == code, problem
            return True

    return Refused()


def test_a_hold_keeps_it_from_others_and_its_buffers_are_frozen() -> None:
    hall = room(before_min=30, after_min=15)
    first = held(hall, 10, 12)
    with refused(Conflict, "taken"):
        held(hall, 12.5, 13)
    # Both buffers count: 15 minutes after the one, 30 before the other.
    booked(hall, 12.75, 13)
    hall = keep_resource(OFFICE, "hall", owner="tests", name="Hall", before_min=0, after_min=0)
    with refused(Conflict, "taken"):
        held(hall, 9, 9.75)
    held(hall, 9, 9.5)
    part = Part.objects.get(booking=first)
    assert (part.begins, part.ends) == (at(9.5).timestamp(), at(12.25).timestamp())


def test_the_database_itself_refuses_a_seat_twice() -> None:
    part = Part.objects.get(booking=booked(room(), 10, 12))
    unit = Unit.objects.get(resource=part.resource)
    with pytest.raises(IntegrityError, match="bookings_never_twice"), transaction.atomic():
        Taken.objects.create(part=part, unit=unit, begins=part.ends - 1, ends=part.ends + 1)
    Taken.objects.create(part=part, unit=unit, begins=part.ends, ends=part.ends + 1)
    with pytest.raises(IntegrityError, match="bookings_taken_span"), transaction.atomic():
        Taken.objects.create(part=part, unit=unit, begins=0, ends=1 << 34)


def test_the_same_key_is_the_same_booking() -> None:
    hall, ana, key = room(), person(), uuid4()
    assert held(hall, 10, 11, ana, key=key) == held(hall, 10, 11, ana, key=key)
    for other in (lambda: held(hall, 12, 13, ana, key=key), lambda: held(hall, 10, 11, person("bob"), key=key)):
        with refused(Conflict, "key_used"):
            other()
    assert Booking.objects.count() == 1


def test_a_hold_expires_at_its_second_and_can_be_confirmed_before() -> None:
    hall, ana, now = room(), person(), timezone.now()
    late, kept = held(hall, 10, 11, ana, expires_in=HOUR), held(hall, 11, 12, ana, expires_in=HOUR)
    assert confirm(kept, person_actor(ana)).state == "confirmed"
    assert taker.take_due(now + HOUR - timedelta(seconds=1)) == 0
    with running_from(now + HOUR + timedelta(seconds=1)), refused(Conflict, "booking_expired"):
        confirm(late, person_actor(ana))
    assert taker.take_due(now + HOUR + timedelta(seconds=2)) == 1
    assert [Booking.objects.get(pk=one.pk).state for one in (late, kept)] == ["expired", "confirmed"]
    held(hall, 10, 11)
    with refused(Conflict, "taken"):
        held(hall, 11, 12)


def test_together_or_not_at_all_and_what_is_taken_along() -> None:
    house, fume = room("house", capacity=20), room("fume")
    laser = room("laser", also=[Takes(house, 2), Takes(fume)])
    course = room("course", capacity=30, also=[Takes(house, per_seat=True)])
    tutor = room("tutor")
    held(tutor, 11, 12)
    with refused(Conflict, "taken"):
        hold([laser, tutor], at(10), at(12), who=None, key=uuid4())
    assert not Part.objects.filter(resource__in=[laser, house, fume]).exists()
    hold([laser, tutor], at(9), at(11), who=None, key=uuid4())
    assert (queries.left(house, at(9), at(11)), queries.left(fume, at(9), at(11))) == (18, 0)
    with refused(Conflict, "taken"):
        held(fume, 10, 10.5)
    with refused(Conflict, "taken"):
        held(course, 9, 10, seats=19)
    held(course, 9, 10, seats=18)
    assert queries.free([laser], at(0), at(24))[laser.pk] == [(at(0), at(9)), (at(11), at(24))]


def test_seats_are_dealt_anew_where_no_single_one_is_free_all_the_time() -> None:
    boats = room("boats", capacity=2)
    booked(boats, 0, 1)
    gone = booked(boats, 2, 3)
    booked(boats, 2, 3)
    cancel(gone, OFFICE)
    # The one boat is taken until 1, the other from 2 to 3: never both, and none is free from 0 to 3.
    assert Taken.objects.values("unit").distinct().count() == 2
    booked(boats, 0, 3)
    for begin in (0.5, 2.5):
        with refused(Conflict, "taken"):
            held(boats, begin, begin + 0.25)
    held(boats, 1, 2)
    assert Taken.objects.count() == 4


def test_fewer_seats_only_where_they_are_not_taken() -> None:
    boats = room("boats", capacity=8)
    booked(boats, 10, 12, seats=3)
    booked(boats, 12, 13, seats=5)
    with refused(Conflict, "seats_taken"):
        set_capacity(OFFICE, boats, 4)
    boats = set_capacity(OFFICE, boats, 5)
    assert Unit.objects.filter(resource=boats).count() == 5 and queries.left(boats, at(10), at(12)) == 2
    booked(boats, 10, 12, seats=2)
    with refused(Conflict, "taken"):
        booked(boats, 11, 12)


def test_the_rule_is_one_and_says_why() -> None:
    noon = Open(0, 8 * 60, 12 * 60)
    hall = room(
        always_open=False, hours=[noon], grid_min=30, least_min=60, most_min=120, notice_min=60, ahead_days=9999
    )
    held(hall, 8.5, 10)
    for begin, end, kind, code in (
        (10.25, 11.25, Invalid, "off_grid"),
        (10, 10.5, Invalid, "too_short"),
        (8, 11, Invalid, "too_long"),
        (11, 13, Conflict, "closed"),
        (32, 33, Conflict, "closed"),
        (11, 10, Invalid, "bad_time"),
    ):
        with refused(kind, code):
            held(hall, begin, end)
    with running_from(at(10.5)):
        with refused(Conflict, "too_soon"):
            held(hall, 11, 12)
        with refused(Conflict, "past"):
            held(hall, 10, 11)
    set_days(OFFICE, hall, {at(0).date(): []})
    with refused(Conflict, "closed"):
        held(hall, 10, 11)
    assert set_days(OFFICE, hall, {at(0).date(): [(600, 660)]}) == [Booking.objects.get().pk]
    held(hall, 10, 11)


def test_limits_are_the_persons_over_all_resources() -> None:
    limit = keep_limit("labs", open_most=3, week_most=2)
    laser, mill, ana = room("laser", limit=limit), room("mill", limit=limit), person()
    held(laser, 10, 11, ana)
    held(mill, 10, 11, ana)
    with refused(Conflict, "week_most"):
        held(mill, 12, 13, ana)
    last = held(mill, 24 * 7, 24 * 7 + 1, ana)
    with refused(Conflict, "open_most"):
        held(mill, 24 * 14, 24 * 14 + 1, ana)
    held(mill, 12, 13)
    cancel(last, person_actor(ana))
    held(mill, 24 * 14, 24 * 14 + 1, ana)


def test_cancelling_by_the_rules_that_were_agreed() -> None:
    hall, ana = room(free_until_min=24 * 60, late=Late.FEE), person()
    strict = room("strict", free_until_min=60)
    mine = [booked(hall, 10, 11, ana), booked(hall, 11, 12, ana), booked(strict, 10, 11, ana)]
    keep_resource(OFFICE, "hall", owner="tests", name="Hall", late=Late.REFUSE)
    with refused(Denied, "denied"):
        cancel(mine[0], person_actor(person("bob")))
    assert not cancel(mine[0], person_actor(ana)).fee_due
    with running_from(at(9.5)):
        late = cancel(mine[1], person_actor(ana))
        assert (late.state, late.fee_due) == ("cancelled", True)
        with refused(Conflict, "too_late"):
            cancel(mine[2], person_actor(ana))
        assert cancel(mine[2], OFFICE).fee_due is False
    assert not Taken.objects.exists()


def test_nobody_came_and_the_rest_is_free() -> None:
    hall = room()
    mine = booked(hall, 10, 12, person())
    with refused(Conflict, "not_begun"):
        no_show(mine, OFFICE)
    with running_from(at(10.5)):
        assert no_show(mine, OFFICE).state == "no_show"
        held(hall, 11, 12)


def test_a_request_keeps_its_time_and_an_officer_decides() -> None:
    hall, ana = room(approval=Approval.TAKE), person()
    mine = booked(hall, 10, 11, ana)
    assert mine.state == "requested" and queries.requests([hall]) == [mine]
    with refused(Conflict, "taken"):
        held(hall, 10, 11)
    with refused(Denied, "denied"):
        approve(mine, person_actor(ana))
    assert approve(mine, OFFICE).state == "confirmed"
    other = booked(hall, 11, 12, ana)
    with refused(Invalid, "no_reason"):
        refuse(other, OFFICE, " ")
    assert refuse(other, OFFICE, "Closed for works").state == "refused"
    held(hall, 11, 12)


def test_of_requests_that_compete_one_is_approved() -> None:
    hall = room(approval=Approval.COMPETE)
    one, other = booked(hall, 10, 12, person()), booked(hall, 11, 13, person("bob"))
    assert {one.state, other.state} == {"requested"} and not Taken.objects.exists()
    approve(other, OFFICE)
    with refused(Conflict, "taken"):
        approve(one, OFFICE)
    assert Booking.objects.get(pk=one.pk).state == "requested"


def test_moving_is_whole_or_not_at_all() -> None:
    hall, ana = room(free_until_min=60), person()
    mine, other = booked(hall, 10, 11, ana), booked(hall, 12, 13)
    with refused(Conflict, "taken"):
        move(mine, at(11.5), at(12.5), person_actor(ana))
    assert Taken.objects.count() == 2
    move(mine, at(10.5), at(12), person_actor(ana))
    assert Booking.objects.get(pk=mine.pk).begin == at(10.5) and other.begin == at(12)
    held(hall, 10, 10.5)


def test_the_journal_has_each_change_and_nothing_personal() -> None:
    hall, ana = room(), person()
    mine = book([hall], at(10), at(11), who=ana, key=uuid4(), actor=person_actor(ana), note="For my sister")
    cancel(mine, person_actor(ana), "She is ill")
    said = Entry.objects.filter(subject=mine.ref).order_by("pk")
    assert [one.type for one in said] == ["booking.confirmed", "booking.cancelled"]
    assert not any(word in str(one.data) for one in said for word in ("sister", "ill", "ana"))


def test_nobody_holds_or_asks_for_ever_more() -> None:
    hall, ana = room(seats_most=2, capacity=50), person()
    with refused(Invalid, "bad_seats"):
        held(hall, 10, 11, ana, seats=3)
    with refused(Invalid, "bad_seats"):
        held(hall, 10, 11, ana, seats=0)
    with refused(Invalid, "too_long"):
        held(hall, 10, 10 + 24 * 367, ana)
    for _one in range(MOST_HELD):
        held(hall, 10, 11, ana)
    with refused(TooMany, "held_most"):
        held(hall, 10, 11, ana)
    contest = room("contest", approval=Approval.COMPETE)
    booked(contest, 10, 12, person("bob"))
    with refused(Conflict, "asked_already"):
        booked(contest, 11, 13, person("bob"))
