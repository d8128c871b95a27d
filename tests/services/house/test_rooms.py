"""Booking a room and paying for it: held, late, cancelled, waited for; nothing is given twice, no money is lost."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from cityhall.kernel.bookings.models import Booking, Waiting
from cityhall.kernel.errors import CityhallError, Conflict, Denied, Invalid, Missing
from cityhall.kernel.ledger import queries as books
from cityhall.kernel.notify.models import Notification
from cityhall.kernel.payments import checks
from cityhall.kernel.payments.models import Bill, Refund
from cityhall.kernel.payments.providers import sandbox
from cityhall.kernel.people.actors import ANONYMOUS, Actor
from cityhall.services.house import cancelling, closing, queries, reserving, settling, waiting
from cityhall.services.house.models import Reservation
from tests.services.house.conftest import at, begin_to_pay, fresh, hear, later, officer, pay, reserved, somebody

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("house")]


def inbox(actor: Actor) -> list[str]:
    return list(Notification.objects.filter(person_id=actor.person_id).order_by("pk").values_list("title", flat=True))


def refunds(one: Reservation) -> list[int]:
    return list(Refund.objects.filter(intent__bill=one.bill).order_by("pk").values_list("amount", flat=True))


def books_are_right() -> None:
    assert books.faults() == [] and checks.differences() == []


def test_what_is_paid_in_time_is_theirs() -> None:
    ana = somebody()
    one = reserved(ana, "harbour", at(10), hours=2)
    assert one.price == 2000 and one.booking.state == "held" and one.bill is not None
    assert one.booking.expires_at is not None
    assert abs(one.booking.expires_at - timezone.now() - timedelta(minutes=10)) < timedelta(seconds=30)
    pay(one.bill)
    one = fresh(one)
    assert (one.booking.state, one.bill.state) == ("confirmed", "paid")
    assert len(inbox(ana)) == 1 and inbox(ana)[0].startswith("The room is yours: Harbour room")
    later(hours=2)
    assert fresh(one).booking.state == "confirmed"
    books_are_right()


def test_what_is_not_paid_in_time_is_free_and_its_bill_withdrawn() -> None:
    ana, rui = somebody(), somebody("rui")
    one = reserved(ana, "harbour", at(10))
    with pytest.raises(Conflict) as refused:
        reserved(rui, "harbour", at(10))
    assert refused.value.code == "taken"
    later(minutes=11)
    one = fresh(one)
    assert (one.booking.state, one.bill.state, one.bill.open) == ("expired", "void", 0)
    assert reserved(rui, "harbour", at(10)).booking.state == "held"
    books_are_right()


def test_money_that_comes_after_that_goes_back_whoever_has_the_room() -> None:
    ana = somebody()
    one = reserved(ana, "harbour", at(10))
    ref = begin_to_pay(one.bill)
    later(minutes=11)
    sandbox.pay(ref, sandbox.GOOD)
    hear(ref)
    assert fresh(one).bill.credit == 1000
    assert settling.late_money() == 1 and settling.late_money() == 0, "once"
    assert refunds(one) == [1000]
    assert "Your payment came too late" in inbox(ana)
    books_are_right()


def test_money_on_the_way_when_only_the_hold_has_ended_has_the_room_again() -> None:
    """The two deadlines are apart: between them the bill is open, and the booking gone."""
    ana = somebody()
    one = reserved(ana, "harbour", at(10))
    Booking.objects.filter(pk=one.booking_id).update(expires_at=timezone.now() - timedelta(seconds=1))
    first = one.booking_id
    pay(one.bill)
    one = fresh(one)
    assert one.booking.state == "confirmed" and one.booking_id != first
    assert Booking.objects.get(pk=first).state == "cancelled"
    later(hours=1)
    assert refunds(one) == [] and fresh(one).booking.state == "confirmed"
    books_are_right()


def test_money_on_the_way_when_somebody_else_has_the_room_goes_back() -> None:
    from cityhall.kernel.bookings import actions

    ana, rui = somebody(), somebody("rui")
    one = reserved(ana, "harbour", at(10))
    actions._end(*_locked(one), "")
    theirs = reserved(rui, "harbour", at(10))
    pay(one.bill)
    later(seconds=1)
    assert refunds(one) == [1000] and fresh(one).back == 1000
    assert any("too late" in title for title in inbox(ana))
    assert fresh(theirs).booking.state == "held"
    later(seconds=2)
    assert refunds(one) == [1000], "once"
    books_are_right()


def _locked(one: Reservation) -> tuple[Booking, Any, Actor]:
    from cityhall.kernel.bookings import actions
    from cityhall.kernel.bookings.models import State

    booking, _resources = actions.with_locks(one.booking)
    return booking, State.EXPIRED, reserving.HOUSE


@pytest.mark.parametrize(("days", "back"), [(3, 2000), (0, 1000)])
def test_cancelling_gives_back_all_in_time_and_half_later(days: int, back: int, monkeypatch: Any) -> None:
    ana = somebody()
    one = reserved(ana, "harbour", at(10), hours=2)
    pay(one.bill)
    if not days:
        Booking.objects.filter(pk=one.booking_id).update(free_until=timezone.now() - timedelta(hours=1))
    said = queries.shown(queries.find_own(ana, one.pk))["cancel_rule"]
    assert f"{back // 100}.00" in said, "it was said before"
    cancelling.by_resident(ana, one.pk)
    one = fresh(one)
    assert (one.booking.state, one.back, refunds(one)) == ("cancelled", back, [back])
    cancelling.by_resident(ana, one.pk)
    assert refunds(one) == [back], "once"


def test_cancelling_what_is_not_paid_withdraws_the_bill() -> None:
    ana = somebody()
    one = reserved(ana, "harbour", at(10))
    cancelling.by_resident(ana, one.pk)
    one = fresh(one)
    assert (one.booking.state, one.bill.state) == ("cancelled", "void")
    later(hours=1)
    books_are_right()


def test_another_persons_booking_is_nobody_elses_business() -> None:
    one = reserved(somebody(), "harbour", at(10))
    with pytest.raises(Missing):
        cancelling.by_resident(somebody("rui"), one.pk)
    with pytest.raises(Missing):
        queries.find_own(ANONYMOUS, one.pk)


def test_a_form_that_is_sent_twice_is_one_booking() -> None:
    ana, key = somebody(), uuid4()
    one, two = (reserved(ana, "harbour", at(10), key=key) for _time in range(2))
    assert one.pk == two.pk and Bill.objects.count() == 1
    with pytest.raises(Conflict):
        reserved(somebody("rui"), "harbour", at(10), key=key)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"people": 15}, "people"),
        ({"people": 0}, "people"),
        ({"purpose": " \0 "}, "purpose"),
        ({"hours": 0}, "hours"),
        ({"hours": 13}, "hours"),
    ],
)
def test_what_cannot_be_is_refused_with_its_field(values: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        reserved(somebody(), "harbour", at(10), **values)
    assert refused.value.field == field and not Booking.objects.exists()


def test_nobody_books_outside_the_hours_or_in_the_past() -> None:
    for begin in (at(7), at(19, 200), at(10, -1), at(10) + timedelta(minutes=30)):
        with pytest.raises(CityhallError):
            reserved(somebody(), "harbour", begin)
    with pytest.raises(Denied):
        reserved(ANONYMOUS, "harbour", at(10))


def test_the_buffer_after_a_use_is_kept_free() -> None:
    """Fifteen minutes: the next hour is taken too, the one before is not."""
    ana = somebody()
    reserved(ana, "harbour", at(10))
    free = {slot.begin: slot.free for slot in queries.week(queries.find_room("harbour"), at(10).date(), 1)[0].slots}
    assert not free[at(10)] and not free[at(11)] and free[at(12)]
    assert not free[at(9)], "an hour from nine would need its own fifteen minutes"


def test_what_costs_nothing_is_theirs_at_once() -> None:
    ana = somebody()
    one = reserved(ana, "attic", at(10))
    assert one.booking.state == "confirmed" and one.bill is None and len(inbox(ana)) == 1


def test_a_room_that_an_officer_gives() -> None:
    ana, olga = somebody(), officer()
    one = reserved(ana, "council", at(10, 9))
    assert one.booking.state == "requested" and one.bill is None
    with pytest.raises(Conflict):
        reserved(somebody("rui"), "council", at(10, 9))
    with pytest.raises(Denied):
        reserving.approve(ana, one.pk)
    reserving.approve(olga, one.pk)
    reserving.approve(olga, one.pk)
    one = fresh(one)
    assert one.booking.state == "confirmed" and one.bill.amount == 4000 and Bill.objects.count() == 1
    pay(one.bill)
    later(hours=60)
    assert fresh(one).booking.state == "confirmed"


def test_what_was_approved_and_not_paid_is_free_again() -> None:
    ana, olga = somebody(), officer()
    one = reserved(ana, "council", at(10, 9))
    reserving.approve(olga, one.pk)
    later(hours=49)
    one = fresh(one)
    assert (one.booking.state, one.bill.state) == ("cancelled", "void")
    assert any(title.startswith("The room is free again") for title in inbox(ana))


def test_a_refusal_says_why() -> None:
    ana, olga = somebody(), officer()
    one = reserved(ana, "council", at(10, 9))
    with pytest.raises(Invalid):
        cancelling.refuse(olga, one.pk, " ")
    cancelling.refuse(olga, one.pk, "The council meets.")
    one = fresh(one)
    assert (one.booking.state, one.booking.reason) == ("refused", "The council meets.")
    assert any(title.startswith("You cannot have the room") for title in inbox(ana))


def test_an_officer_cancels_and_all_goes_back_also_late() -> None:
    ana, olga = somebody(), officer()
    one = reserved(ana, "harbour", at(10))
    pay(one.bill)
    Booking.objects.filter(pk=one.booking_id).update(free_until=timezone.now() - timedelta(hours=1))
    with pytest.raises(Denied):
        cancelling.by_officer(somebody("rui"), one.pk, "No")
    cancelling.by_officer(olga, one.pk, "A pipe has burst.")
    assert refunds(one) == [1000] and fresh(one).booking.reason == "A pipe has burst."


def test_who_waits_is_offered_it_in_order_and_takes_it() -> None:
    ana, rui, eva = somebody(), somebody("rui"), somebody("eva")
    one = reserved(ana, "attic", at(10))
    with pytest.raises(Conflict) as refused:
        waiting.join(rui, "attic", at(14), hours=1, key=uuid4())
    assert refused.value.code == "free"
    for who in (rui, eva):
        waiting.join(who, "attic", at(10), hours=1, key=uuid4())
    assert [place.place for who in (rui, eva) for place in waiting.own(who)] == [1, 2]
    cancelling.by_resident(ana, one.pk)
    with pytest.raises(Conflict):
        reserved(somebody("zoe"), "attic", at(10))
    later(seconds=1)
    (place,) = waiting.own(rui)
    assert place.offer is not None and waiting.own(eva)[0].offer is None
    with pytest.raises(Missing):
        reserving.take_offer(eva, place.offer.pk, people=2, purpose="Chess")
    (taken,) = reserving.take_offer(rui, place.offer.pk, people=2, purpose="Chess")
    assert taken.booking.state == "confirmed" and fresh(taken).booking.note == "Chess"
    assert waiting.own(rui) == [] and Waiting.objects.get(person_id=rui.person_id).state == "taken"


def test_an_offer_that_is_not_paid_goes_to_the_next() -> None:
    ana, rui, eva = somebody(), somebody("rui"), somebody("eva")
    one = reserved(ana, "harbour", at(10))
    pay(one.bill)
    for who in (rui, eva):
        waiting.join(who, "harbour", at(10), hours=1, key=uuid4())
    cancelling.by_resident(ana, one.pk)
    later(seconds=1)
    offer = waiting.own(rui)[0].offer
    assert offer is not None
    (theirs,) = reserving.take_offer(rui, offer.pk, people=2, purpose="Chess")
    assert theirs.booking.state == "held" and theirs.bill is not None
    later(minutes=31)
    later(seconds=1)
    assert fresh(theirs).bill.state == "void" and fresh(theirs).booking.state == "expired"
    # Half an hour of hers may be over by then too.
    assert any(title.startswith("What you waited for is free") for title in inbox(eva))


def test_a_room_that_is_closed_for_a_day_tells_those_who_have_it() -> None:
    ana, olga = somebody(), officer()
    one = reserved(ana, "harbour", at(10))
    pay(one.bill)
    Booking.objects.filter(pk=one.booking_id).update(free_until=timezone.now() - timedelta(hours=1))
    day = at(10).date()
    assert closing.close(olga, "harbour", day, "Painters") == 1
    assert any(title.startswith("The room is closed") for title in inbox(ana))
    with pytest.raises(Conflict):
        reserved(somebody("rui"), "harbour", at(15))
    assert queries.week(queries.find_room("harbour"), day, 1)[0].reason == "Painters"
    moved = cancelling.move(ana, one.pk, at(10, 5))
    assert moved.booking.begin == at(10, 5), "though it is late, for it is City Hall that closed it"
    closing.reopen(olga, "harbour", day)
    assert reserved(somebody("rui"), "harbour", at(15)).booking.state == "held"
    with pytest.raises(Conflict):
        closing.reopen(olga, "harbour", day)


def test_where_a_room_was_closed_cancelling_gives_all_back() -> None:
    ana, olga = somebody(), officer()
    one = reserved(ana, "harbour", at(10))
    pay(one.bill)
    Booking.objects.filter(pk=one.booking_id).update(free_until=timezone.now() - timedelta(hours=1))
    closing.close(olga, "harbour", at(10).date(), "Painters")
    cancelling.by_resident(ana, one.pk)
    assert refunds(one) == [1000]


def test_every_week_for_one_bill_and_the_days_it_could_not_have() -> None:
    ana, rui = somebody(), somebody("rui")
    reserved(rui, "harbour", at(10, 10))
    key = uuid4()
    values: dict[str, Any] = {"hours": 2, "people": 4, "purpose": "Choir", "key": key, "weeks": 4}
    made = reserving.reserve(ana, "harbour", at(10), **values)
    again = reserving.reserve(ana, "harbour", at(10), **values)
    assert [one.pk for one in made] == [one.pk for one in again]
    assert [one.booking.begin for one in made] == [at(10), at(10, 17), at(10, 24)]
    bill = made[0].bill
    assert bill is not None and bill.amount == 6000 and len({one.bill_id for one in made}) == 1
    rows = queries.shown(queries.find_own(ana, made[0].pk))["others"]
    assert [row["why"] for row in rows if row["reservation"] is None] == ["taken"]
    pay(bill)
    assert {fresh(one).booking.state for one in made} == {"confirmed"}
    cancelling.by_resident(ana, made[1].pk, series=True)
    assert [fresh(one).booking.state for one in made] == ["confirmed", "cancelled", "cancelled"]
    assert sum(refunds(made[0])) == 4000
    books_are_right()


def test_a_part_of_a_series_that_is_cancelled_before_it_is_paid_is_not_paid() -> None:
    ana = somebody()
    made = reserving.reserve(ana, "harbour", at(10), hours=1, people=2, purpose="Choir", key=uuid4(), weeks=3)
    cancelling.by_resident(ana, made[1].pk)
    assert fresh(made[0]).bill.open == 2000
    pay(made[0].bill)
    later(seconds=1)
    assert [fresh(one).booking.state for one in made] == ["confirmed", "cancelled", "confirmed"]
    assert refunds(made[0]) == []
    books_are_right()
