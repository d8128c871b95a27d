"""Double entry: what is posted sums to zero, once, within the limits, and stays as it is."""

from __future__ import annotations

import threading
from uuid import UUID, uuid4

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from cityhall.kernel.errors import Conflict, Invalid, Missing
from cityhall.kernel.journal.models import Entry as Event
from cityhall.kernel.ledger import queries
from cityhall.kernel.ledger.accounts import close, number, open_account
from cityhall.kernel.ledger.books import Became, Leg, Movement, transfer
from cityhall.kernel.ledger.models import Account, Entry, Posting
from cityhall.kernel.ledger.posting import post, post_many
from cityhall.kernel.ledger.writer import Writer


def account(name: str, kind: str = "liability", *, floor: int | None = None, unit: str = "EUR") -> int:
    return open_account(f"{name}:{uuid4().hex[:6]}", kind, unit, floor=floor).pk


def has(pk: int) -> int:
    return Account.objects.get(pk=pk).balance


def pay(debit: int, credit: int, amount: int, uid: UUID | None = None, **more: object) -> Movement:
    return transfer(uid or uuid4(), "test.paid", debit=debit, credit=credit, amount=amount, **more)  # type: ignore[arg-type]


@pytest.mark.django_db
def test_what_is_posted_is_on_both_accounts_and_in_the_journal() -> None:
    cash, wallet = account("cash", "asset"), account("wallet")
    movement = pay(cash, wallet, 250, subject="topup:1")
    assert post(movement).became is Became.POSTED
    assert (has(cash), has(wallet)) == (250, 250)
    assert list(Entry.objects.filter(account=wallet).values_list("amount", "posted")) == [(-250, -250)]
    event = Event.objects.get(subject=f"posting:{movement.uid}")
    assert event.data == {"kind": "test.paid", "of": "topup:1", "legs": [[cash, 250], [wallet, -250]]}
    assert queries.faults() == []


@pytest.mark.django_db
def test_the_same_again_is_once_and_another_with_its_key_is_refused() -> None:
    cash, wallet = account("cash", "asset"), account("wallet")
    movement = pay(cash, wallet, 250)
    assert [post(movement).became for _time in range(3)] == [Became.POSTED, Became.AGAIN, Became.AGAIN]
    with pytest.raises(Conflict) as refused:
        post(pay(cash, wallet, 251, movement.uid))
    assert refused.value.code == "key_used"
    assert has(wallet) == 250 and Posting.objects.count() == 1
    assert [one.became for one in post_many([movement, pay(cash, wallet, 1), movement])] == ["again", "posted", "again"]


@pytest.mark.django_db
def test_a_limit_holds_and_what_is_refused_keeps_nobody_else_out() -> None:
    cash, wallet, shop = account("cash", "asset"), account("wallet", floor=0), account("shop")
    outcomes = post_many([pay(cash, wallet, 100), pay(wallet, shop, 80), pay(wallet, shop, 30), pay(wallet, shop, 20)])
    assert [one.became for one in outcomes] == ["posted", "posted", "short", "posted"]
    assert outcomes[2].account == wallet
    assert (has(wallet), has(shop)) == (0, 100)
    with pytest.raises(Conflict) as refused:
        post(pay(wallet, shop, 1))
    assert refused.value.code == "short"
    # The database's own: whatever the program does.
    with pytest.raises(IntegrityError), transaction.atomic():
        Account.objects.filter(pk=wallet).update(posted=5)
    assert queries.faults() == []


@pytest.mark.django_db
def test_what_cannot_be_refused_leaves_a_debt_that_is_paid_first() -> None:
    points, wallet, shop = account("issued", "expense"), account("wallet", floor=0), account("shop")
    earned = pay(points, wallet, 100)
    post_many([earned, pay(wallet, shop, 90)])
    post(pay(wallet, points, 40, reverses=earned.uid, forced=True))
    kept = Account.objects.get(pk=wallet)
    assert (kept.balance, kept.debt) == (-30, 30)
    assert post_many([pay(wallet, shop, 1)])[0].became is Became.SHORT, "nothing is spent while there is a debt"
    post(pay(points, wallet, 20))
    assert (has(wallet), Account.objects.get(pk=wallet).debt) == (-10, 10)
    post(pay(points, wallet, 60))
    assert (has(wallet), Account.objects.get(pk=wallet).debt) == (50, 0)
    assert post(pay(wallet, shop, 50)).is_posted
    assert queries.faults() == []


@pytest.mark.django_db
def test_what_is_no_movement_is_refused() -> None:
    cash, wallet, points = account("cash", "asset"), account("wallet"), account("points", unit="points")
    for wrong in (
        lambda: pay(cash, wallet, 0),
        lambda: pay(cash, wallet, -5),
        lambda: pay(cash, wallet, 1.5),  # type: ignore[arg-type]
        lambda: post(pay(cash, cash, 5)),
        lambda: post(Movement(uuid4(), "test.odd", (Leg(cash, 5), Leg(wallet, -4)))),
        lambda: post(Movement(uuid4(), "test.odd", (Leg(cash, 5),))),
        lambda: post(pay(cash, points, 5)),
        lambda: post(pay(cash, wallet, 10**16)),
    ):
        with pytest.raises(Invalid):
            wrong()
    with pytest.raises(Missing), transaction.atomic():
        post(pay(cash, 999_999_999, 5))
    assert not Posting.objects.exists() and queries.faults() == []


@pytest.mark.django_db
def test_several_legs_and_units_balance_each_for_itself() -> None:
    cash, fees, wallet = account("cash", "asset"), account("fees", "income"), account("wallet")
    issued, points = account("issued", "expense", unit="points"), account("points", unit="points")
    legs = (Leg(cash, 100), Leg(fees, -3), Leg(wallet, -97), Leg(issued, 10), Leg(points, -10))
    assert post(Movement(uuid4(), "test.bought", legs)).is_posted
    assert [has(one) for one in (cash, fees, wallet, issued, points)] == [100, 3, 97, 10, 10]


@pytest.mark.django_db
def test_a_closed_account_takes_nothing_and_an_account_with_something_on_it_is_not_closed() -> None:
    cash, wallet = account("cash", "asset"), account("wallet")
    post(pay(cash, wallet, 5))
    key = Account.objects.get(pk=wallet).key
    with pytest.raises(Conflict):
        close(key)
    post(pay(wallet, cash, 5))
    close(key)
    assert post_many([pay(cash, wallet, 5)])[0].became is Became.CLOSED


@pytest.mark.django_db
def test_an_account_is_one_whoever_opens_it() -> None:
    first = open_account("person:7", "liability", "EUR", floor=0)
    assert open_account("person:7", "liability", "EUR") == first and number("person:7") == first.pk
    with pytest.raises(Conflict):
        open_account("person:7", "asset", "EUR")
    with pytest.raises(Missing):
        number("person:8")


@pytest.mark.django_db
def test_an_opening_that_was_undone_is_not_remembered() -> None:
    with transaction.atomic():
        open_account("person:9", "liability", "EUR")
        undone = number("person:9")
        transaction.set_rollback(True)
    again = open_account("person:9", "liability", "EUR")
    assert number("person:9") == again.pk != undone


@pytest.mark.django_db
def test_entries_cannot_be_changed_or_taken_out() -> None:
    post(pay(account("cash", "asset"), account("wallet"), 5))
    for change in (
        "UPDATE ledger_entry SET amount = 6",
        "DELETE FROM ledger_entry",
        "UPDATE ledger_posting SET kind = 'x'",
        "DELETE FROM ledger_posting",
    ):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(change)


@pytest.mark.django_db
def test_the_past_is_what_it_was() -> None:
    cash, wallet = account("cash", "asset"), account("wallet")
    moments = []
    for amount in (10, 20, 30):
        moments.append(timezone.now())
        post(pay(cash, wallet, amount))
    moments.append(timezone.now())
    assert [-queries.posted_at(wallet, at) for at in moments] == [0, 10, 30, 60]
    past = {one.account: one.balance for one in queries.trial_balance(moments[2])}
    assert (past[cash], past[wallet]) == (30, 30)
    assert sum(one.posted for one in queries.trial_balance()) == 0
    said = [(-one.amount, one.posting.kind) for one in queries.statement(wallet, moments[1], moments[3])]
    assert said == [(20, "test.paid"), (30, "test.paid")]


@pytest.mark.django_db
def test_the_proof_finds_what_somebody_changed_behind_the_books_back() -> None:
    cash, wallet = account("cash", "asset"), account("wallet")
    post(pay(cash, wallet, 5))
    Account.objects.filter(pk=wallet).update(posted=-6)
    assert {(one.what, one.off) for one in queries.faults()} >= {("unit", "-1"), ("account", "-1")}


@pytest.mark.django_db(transaction=True)
def test_racing_clients_never_break_a_limit_or_post_a_key_twice() -> None:
    cash, shop = account("cash", "asset"), account("shop")
    wallets = [account(f"wallet{number}", floor=0) for number in range(3)]
    post_many([pay(cash, wallet, 50) for wallet in wallets])
    keys = [uuid4() for _number in range(120)]
    outcomes: list[str] = []

    def spend(part: int) -> None:
        for place, key in enumerate(keys):
            # Every key is tried by two threads, in opposite orders of accounts.
            if place % 4 in (part, (part + 1) % 4):
                debit, credit = wallets[place % 3], (shop if place % 2 else wallets[(place + 1) % 3])
                outcomes.append(post_many([pay(debit, credit, 7, key)])[0].became)
        connection.close()

    threads = [threading.Thread(target=spend, args=(part,)) for part in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 240 and set(outcomes) <= {"posted", "again", "short"}
    assert Posting.objects.count() == 3 + outcomes.count("posted")
    assert all(has(wallet) >= 0 for wallet in wallets) and queries.faults() == []


@pytest.mark.django_db(transaction=True)
def test_the_writer_posts_what_many_hand_in_and_tells_each_its_own() -> None:
    cash, wallet = account("cash", "asset"), account("wallet", floor=0)
    writer = Writer(most=50)
    said = [writer.hand_in(pay(cash, wallet, 2)) for _number in range(200)]
    said += [writer.hand_in(pay(wallet, cash, 3)) for _number in range(200)]
    became = [one.result(20).became for one in said]
    assert became.count(Became.POSTED) == 200 + 133 and became.count(Became.SHORT) == 67
    assert has(wallet) == 1
    with pytest.raises(Missing):
        writer.post(pay(cash, 999_999_999, 1))
    with pytest.raises(Conflict):
        writer.post(pay(wallet, cash, 10))
    assert queries.faults() == []
