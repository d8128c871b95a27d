"""What is done to the books by hand: once, with a reason, and by two officers where it is much."""

from __future__ import annotations

import threading
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection

from cityhall.kernel.errors import CityhallError, Conflict, Denied, Invalid, Missing
from cityhall.kernel.journal.models import Entry as Event
from cityhall.kernel.ledger import queries
from cityhall.kernel.ledger.books import Leg, Movement
from cityhall.kernel.ledger.holds import hold
from cityhall.kernel.ledger.models import Account, Posting
from cityhall.kernel.ledger.posting import post
from cityhall.kernel.people.actors import Actor, person_actor
from cityhall.kernel.people.models import Membership, Person
from cityhall.services.treasury import limits
from cityhall.services.treasury.corrections import agree, ask, let_go, refuse, waiting_for
from cityhall.services.treasury.models import Correction, Release
from tests.kernel.ledger.test_posting import account, has, pay

WHY = "Paid twice by mistake"


def officer(name: str, role: str = "treasurer") -> Actor:
    person = Person.objects.create_user(f"{name}@example.org", name=name.title())
    Membership.objects.create(person=person, role=f"treasury.{role}")
    return person_actor(person)


@pytest.mark.django_db
def test_a_small_posting_is_reversed_once_by_one_officer() -> None:
    tom = officer("tom")
    cash, wallet = account("cash", "asset"), account("wallet", floor=0)
    paid = pay(cash, wallet, 250, subject="topup:1")
    post(paid)
    made = ask(tom, paid.uid, WHY)
    assert made.state == "done" and (has(cash), has(wallet)) == (0, 0)
    reversal = Posting.objects.get(uid=made.reversal)
    assert (reversal.reverses_id, reversal.subject) == (paid.uid, "topup:1")
    for uid, code in ((paid.uid, "reversed"), (reversal.uid, "is_reversal")):
        with pytest.raises(Conflict) as refused:
            ask(tom, uid, WHY)
        assert refused.value.code == code
    assert (made.reason, made.asker_id) == (WHY, tom.person_id)
    (event,) = Event.objects.filter(type="correction.asked")
    assert event.data == {"posting": str(paid.uid), "forced": False} and event.actor == str(tom)
    assert queries.faults() == []


@pytest.mark.django_db
def test_what_a_service_gave_back_already_is_not_given_back_again() -> None:
    tom = officer("tom")
    cash, fees, wallet = account("cash", "asset"), account("fees", "income"), account("wallet")
    bought = Movement(uuid4(), "test.bought", (Leg(cash, 100), Leg(fees, -3), Leg(wallet, -97)))
    post(bought)
    post(pay(wallet, cash, 40, reverses=bought.uid))
    ask(tom, bought.uid, WHY)
    assert [has(one) for one in (cash, fees, wallet)] == [0, 0, 0] and queries.faults() == []


@pytest.mark.django_db
def test_a_large_one_takes_a_second_officer_who_is_another_one(settings: Any) -> None:
    settings.CITY.options["treasury"] = {"alone": {"EUR": 249}}
    try:
        tom, ann, eve = officer("tom"), officer("ann"), officer("eve", "auditor")
        cash, wallet = account("cash", "asset"), account("wallet")
        paid = pay(cash, wallet, 250)
        post(paid)
        made = ask(tom, paid.uid, WHY)
        assert made.state == "asked" and has(wallet) == 250
        assert [waiting_for(one) for one in (tom, ann, eve)] == [0, 1, 0]
        with pytest.raises(Conflict) as refused:
            ask(ann, paid.uid, WHY)
        assert refused.value.code == "asked"
        for who in (tom, eve):
            with pytest.raises(Denied):
                agree(who, made.pk)
        assert has(wallet) == 250
        assert agree(ann, made.pk).state == "done" and has(wallet) == 0
        with pytest.raises(Conflict):
            agree(ann, made.pk)
        with pytest.raises(Conflict):
            refuse(ann, made.pk, WHY)
    finally:
        del settings.CITY.options["treasury"]


@pytest.mark.django_db
def test_what_is_refused_stays_and_may_be_asked_for_anew() -> None:
    tom, ann = officer("tom"), officer("ann")
    cash, wallet = account("cash", "asset"), account("wallet")
    paid = pay(cash, wallet, limits.ALONE + 1)
    post(paid)
    made = ask(tom, paid.uid, WHY)
    with pytest.raises(Invalid):
        refuse(ann, made.pk, "no")
    assert refuse(ann, made.pk, "This was right").state == "refused"
    assert has(wallet) == limits.ALONE + 1 and ask(ann, paid.uid, WHY).state == "asked"
    assert Correction.objects.count() == 2


@pytest.mark.django_db
def test_what_is_spent_is_taken_back_only_where_a_debt_is_wanted() -> None:
    tom = officer("tom")
    cash, wallet, shop = account("cash", "asset"), account("wallet", floor=0), account("shop")
    paid = pay(cash, wallet, 100)
    post(paid)
    post(pay(wallet, shop, 70))
    with pytest.raises(Conflict) as refused:
        ask(tom, paid.uid, WHY)
    assert refused.value.code == "short" and not Correction.objects.exists()
    ask(tom, paid.uid, WHY, forced=True)
    kept = Account.objects.get(pk=wallet)
    assert (kept.balance, kept.debt) == (-70, 70) and queries.faults() == []


@pytest.mark.django_db
def test_a_hold_is_let_go_with_a_reason_that_is_kept() -> None:
    tom, eve = officer("tom"), officer("eve", "auditor")
    cash, wallet, shop = account("cash", "asset"), account("wallet", floor=0), account("shop")
    post(pay(cash, wallet, 100))
    made = hold(uuid4(), "test.order", debit=wallet, credit=shop, amount=60)
    with pytest.raises(Denied):
        let_go(eve, made.uid, WHY)
    with pytest.raises(Invalid):
        let_go(tom, made.uid, "  ok ")
    with pytest.raises(Missing):
        let_go(tom, uuid4(), WHY)
    assert let_go(tom, made.uid, WHY).state == "voided"
    assert Account.objects.get(pk=wallet).available == 100
    kept = Release.objects.get(hold=made.uid)
    assert (kept.reason, kept.officer_id) == (WHY, tom.person_id)
    assert Event.objects.get(type="hold.voided").actor == str(tom)
    assert let_go(tom, made.uid, "Once more for another reason").state == "voided"
    assert Release.objects.get().reason == WHY


@pytest.mark.django_db(transaction=True)
def test_two_officers_at_once_reverse_it_once() -> None:
    tom, ann = officer("tom"), officer("ann")
    cash, wallet = account("cash", "asset"), account("wallet")
    for _round in range(5):
        paid = pay(cash, wallet, 100)
        post(paid)
        said: list[str] = []

        def press(who: Actor, uid: Any = paid.uid, said: list[str] = said) -> None:
            try:
                said.append(ask(who, uid, WHY).state)
            except CityhallError as problem:
                said.append(problem.code)
            finally:
                connection.close()

        threads = [threading.Thread(target=press, args=(who,)) for who in (tom, ann)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert said.count("done") == 1 and set(said) - {"done"} <= {"reversed", "asked"}
    assert has(wallet) == 0 and queries.faults() == []


def test_limits_that_are_none_are_told_and_count_as_nothing(settings: Any) -> None:
    settings.CITY.options["treasury"] = {"alone": {"EUR": "100", "points": 5}}
    try:
        assert [limits.alone(unit) for unit in ("EUR", "points", "MXN")] == [0, 5, limits.ALONE]
        ((level, what, _mend),) = limits.findings()
        assert level == "error" and "EUR" in what
    finally:
        del settings.CITY.options["treasury"]
    assert list(limits.findings()) == []
