"""Payouts: two officers, one file, and what the bank makes of it; a mock bank carries them out and sends them back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread
from typing import Any
from uuid import uuid4

import pytest
from django.db import connections
from django.utils import timezone
from mockbank import accounts, db
from mockbank.server import Config
from mockbank.state import State as Bank

from cityhall.engines.banking.pain import schema_fault
from cityhall.engines.banking.workdays import next_target_day
from cityhall.kernel.errors import Conflict, Denied, Invalid
from cityhall.kernel.ledger.accounts import open_account
from cityhall.kernel.ledger.models import Account, Kind
from cityhall.kernel.payments import books, payouts
from cityhall.kernel.payments.models import Payout, PayoutBatch
from cityhall.kernel.payments.payout_news import read_bank_status
from cityhall.kernel.payments.statements import import_statement, undo_import
from cityhall.kernel.people.actors import ANONYMOUS
from tests.engines.banking.statements import entry, file, statement
from tests.kernel.payments.conftest import officer

CITY_IBAN = "NL91ABNA0417164300"
ANA = "ES9121000418450200051332"
OWN = {"legal_basis": "Council decision 7/2026", "name": "Testville", "iban": CITY_IBAN}

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def own(settings: Any, sandbox_city: None) -> Callable[..., None]:
    def say(**payouts: Any) -> None:
        said = {**settings.CITY.options["payments"], "payouts": payouts}
        settings.CITY = replace(settings.CITY, options={**settings.CITY.options, "payments": said})

    say(**OWN)
    return say


def purse(amount: int) -> str:
    """A resident's account with so much on it."""
    key = f"purse:{uuid4().hex}"
    number = open_account(key, Kind.LIABILITY, "EUR", floor=0).pk
    books.book(
        uuid4(), "test", {books.account("city:grants:EUR", Kind.EXPENSE, "EUR"): amount, number: -amount}, "", None
    )
    return key


def payout(amount: int = 1000, **more: Any) -> Payout:
    values = {"service": "testing", "amount": amount, "name": "Ana Müller", "iban": ANA, "text": "Points of May"} | more
    values.setdefault("source", purse(amount))
    return payouts.make_payout(uuid4(), **values)


def balance(key: str) -> int:
    return abs(Account.objects.get(key=key).posted)


def released(*mine: Payout) -> PayoutBatch:
    batch = payouts.prepare(officer("una"), mine)
    return payouts.release(officer("duo"), batch)


def test_it_is_off_until_the_city_states_its_legal_basis(own: Callable[..., None]) -> None:
    own(name="Testville", iban=CITY_IBAN)
    with pytest.raises(Conflict) as caught:
        payout(source="none")
    assert caught.value.code == "no_legal_basis"
    assert "city.toml" in str(caught.value.mend)


def test_the_money_leaves_its_account_once(right: Callable[[], None]) -> None:
    source, key = purse(1500), uuid4()
    values = {"service": "testing", "source": source, "amount": 1000, "name": "Ana", "iban": ANA, "text": "x"}
    assert payouts.make_payout(key, **values) == payouts.make_payout(key, **values)
    assert (balance(source), balance("city:payouts:EUR")) == (500, 1000)
    with pytest.raises(Conflict):
        payouts.make_payout(uuid4(), **values)
    with pytest.raises(Invalid):
        payout(iban="ES9221000418450200051332")
    assert Payout.objects.count() == 1


def test_who_prepares_does_not_release_and_the_file_is_fetched_once(right: Callable[[], None]) -> None:
    first, second = officer("una"), officer("duo")
    batch = payouts.prepare(first, [payout()])
    for wrong in (ANONYMOUS,):
        with pytest.raises(Denied):
            payouts.release(wrong, batch)
    with pytest.raises(Conflict) as caught:
        payouts.release(first, batch)
    assert caught.value.code == "same_officer"
    with pytest.raises(Conflict):
        payouts.fetch(first, batch)
    batch = payouts.release(second, batch)
    data = payouts.fetch(first, batch)
    assert schema_fault(data) == ""
    assert b"<Nm>Ana Muller</Nm>" in data
    with pytest.raises(Conflict):
        payouts.fetch(second, batch)
    with pytest.raises(Conflict):
        payouts.allow_again(first, batch, "lost")
    payouts.allow_again(second, batch, "lost")
    assert payouts.fetch(first, batch) == data
    assert payouts.release(second, batch).digest == batch.digest
    with pytest.raises(Conflict):
        payouts.withdraw(first, batch, "too late")


def test_a_withdrawn_batch_lets_its_payouts_wait_again() -> None:
    one = payout()
    batch = payouts.prepare(officer("una"), [one])
    with pytest.raises(Conflict):
        payouts.prepare(officer("tres"), [one])
    payouts.withdraw(officer("quatro"), batch, "wrong day")
    with pytest.raises(Conflict):
        payouts.release(officer("duo"), batch)
    one.refresh_from_db()
    assert (one.state, one.batch_id) == ("waiting", None)


def test_what_the_bank_would_refuse_is_not_prepared(own: Callable[..., None]) -> None:
    own(**OWN, bank="sepa-strict")
    with pytest.raises(Invalid) as caught:
        payouts.prepare(officer("una"), [payout()])
    assert caught.value.code == "bank_would_refuse"
    own(**OWN, bank="no such bank")
    with pytest.raises(Invalid):
        payouts.prepare(officer("duo"), Payout.objects.all())


def test_released_by_many_at_once_it_is_one_file() -> None:
    batch = payouts.prepare(officer("una"), [payout(), payout(2000)])
    others = [officer(f"other{number}") for number in range(6)]
    gate, digests = Barrier(len(others)), []

    def press(who: Any) -> None:
        gate.wait()
        digests.append(payouts.release(who, batch).digest)
        connections.close_all()

    threads = [Thread(target=press, args=(who,)) for who in others]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(digests) == len(others)
    assert len(set(digests)) == 1


def mock_bank(behaviour: str = "accept", **parameters: Any) -> Bank:
    bank = Bank(Config(quiet=True, clock=f"{timezone.localdate()}T09:00:00"))
    fields = {"iban": CITY_IBAN, "name": "Testville", "balance": 10_000_000, "behaviour": behaviour}
    accounts.create(bank.conn, "city", {**fields, "parameters": parameters})
    return bank


def sent(bank: Bank, kind: str) -> list[bytes]:
    query = "select * from message where released_at is not null and account = 'city' order by id"
    return [row["body"].encode() for row in db.rows(bank.conn, query) if row["type"].startswith(kind)]


def states(*mine: Payout) -> list[str]:
    return [Payout.objects.get(pk=one.pk).state for one in mine]


def test_a_bank_takes_the_file_and_its_statement_closes_every_item(right: Callable[[], None]) -> None:
    who, mine = officer("treasurer"), [payout(1000 + number) for number in range(5)]
    batch = released(*mine)
    bank = mock_bank()
    answer, decision, findings = bank.receive(payouts.fetch(who, batch), "application/xml")
    assert (answer["accepted"], answer["rejected"], [one for one in findings if one.level == "error"]) == (5, 0, [])
    assert decision.status == "ACCP"
    for status in sent(bank, "pain.002"):
        read_bank_status(who, status)
    assert states(*mine) == ["batched"] * 5
    bank.clock.advance(days=7)
    # The notification first, then the statements: booked once.
    for data in (*sent(bank, "camt.054"), *sent(bank, "camt.053"), *sent(bank, "camt.053")):
        assert import_statement(who, data).unbooked == []
    assert states(*mine) == ["executed"] * 5
    assert PayoutBatch.objects.get(pk=batch.pk).state == "over"
    assert balance("city:payouts:EUR") == 0
    assert balance("city:bank:EUR") == sum(one.amount for one in mine)


def test_what_comes_back_is_open_again_and_paid_once_more_or_given_up(right: Callable[[], None]) -> None:
    who, mine = officer("treasurer"), [payout(1000), payout(2000)]
    sources = [one.source for one in mine]
    bank = mock_bank("return-later", days=2)
    bank.receive(payouts.fetch(who, released(*mine)), "application/xml")
    bank.clock.advance(days=9)
    for data in sent(bank, "camt.053"):
        import_statement(who, data)
    assert states(*mine) == ["returned", "returned"]
    assert Payout.objects.get(pk=mine[0].pk).reason == "AC04"
    assert balance("city:payouts:EUR") == 3000
    payouts.give_up(who, mine[0])
    again = payouts.again(who, mine[1], iban="DE89370400440532013000")
    assert [balance(one) for one in sources] == [1000, 0]
    assert again.end_to_end != mine[1].end_to_end
    with pytest.raises(Conflict):
        payouts.give_up(who, mine[0])
    other = mock_bank()
    batch = payouts.release(officer("five"), payouts.prepare(officer("six"), [again]))
    other.receive(payouts.fetch(who, batch), "application/xml")
    other.clock.advance(days=7)
    for data in sent(other, "camt.053"):
        import_statement(who, data.replace(b"MB-PMT-", b"MB-SECOND-").replace(b"MB-C053", b"MB-D053"))
    assert states(*mine) == ["given_up", "executed"]
    assert balance("city:payouts:EUR") == 0


def test_a_bank_that_tells_only_the_sum_closes_the_batch_and_another_sum_does_not(right: Callable[[], None]) -> None:
    who, mine = officer("treasurer"), [payout(1000), payout(2000)]
    batch = released(*mine)
    inside = f"<Btch><PmtInfId>{batch.message_id}</PmtInfId><NbOfTxs>2</NbOfTxs></Btch>"
    import_statement(who, file(statement(entry("29.00", "DBIT", details=inside), iban=CITY_IBAN)))
    assert states(*mine) == ["batched"] * 2
    import_statement(who, file(statement(entry("30.00", "DBIT", details=inside), iban=CITY_IBAN)))
    assert states(*mine) == ["executed"] * 2
    assert (balance("city:payouts:EUR"), balance("city:unmatched:EUR")) == (0, 2900)


def test_what_the_bank_refuses_is_open_again(right: Callable[[], None]) -> None:
    who, mine = officer("treasurer"), [payout(1000), payout(2000)]
    bank = mock_bank("reject-file")
    bank.receive(payouts.fetch(who, released(*mine)), "application/xml")
    report = sent(bank, "pain.002")[0]
    for _ in range(2):
        read_bank_status(who, report)
    assert states(*mine) == ["rejected", "rejected"]
    assert balance("city:payouts:EUR") == 3000
    with pytest.raises(Invalid):
        read_bank_status(who, b"<html/>")


def test_an_import_undone_opens_the_payouts_and_imported_again_closes_them(right: Callable[[], None]) -> None:
    who, mine = officer("treasurer"), [payout(1000), payout(2000)]
    bank = mock_bank()
    bank.receive(payouts.fetch(who, released(*mine)), "application/xml")
    bank.clock.advance(days=7)
    files = [import_statement(who, data) for data in sent(bank, "camt.053")]
    assert states(*mine) == ["executed"] * 2
    for one in files:
        undo_import(who, one, "the test account's statement")
    assert states(*mine) == ["batched"] * 2
    assert (balance("city:bank:EUR"), balance("city:payouts:EUR")) == (0, 3000)
    with pytest.raises(Conflict):
        undo_import(who, files[0], "again")
    for data in sent(bank, "camt.053"):
        import_statement(who, data)
    assert states(*mine) == ["executed"] * 2
    assert balance("city:bank:EUR") == 3000


def test_a_day_that_is_past_at_the_release_becomes_the_next_on_which_banks_work() -> None:
    batch = payouts.prepare(officer("una"), [payout()])
    PayoutBatch.objects.filter(pk=batch.pk).update(execute_on=timezone.localdate() - timedelta(days=3))
    batch.refresh_from_db()
    assert payouts.release(officer("duo"), batch).execute_on == next_target_day(timezone.localdate())
    assert datetime.now(UTC) >= batch.prepared_at
