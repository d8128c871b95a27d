"""Direct debits by the city's own bank: signed once, collected by two officers, paid and taken back by statements."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from cityhall.engines.banking.debits import SCHEMA
from cityhall.engines.banking.pain import schema_fault
from cityhall.engines.banking.workdays import next_target_day
from cityhall.kernel.errors import CityhallError, Conflict, Denied, Invalid
from cityhall.kernel.notify.models import Notification
from cityhall.kernel.payments import bills, checks, debits, mandates
from cityhall.kernel.payments.bank_entries import Entry, book_entry
from cityhall.kernel.payments.models import Bill, Debit, DebitBatch, Intent, Mandate
from cityhall.kernel.payments.payout_news import read_bank_status
from cityhall.kernel.people.actors import Actor, person_actor, system
from cityhall.kernel.people.models import Person
from tests.kernel.payments.conftest import bill_of, officer
from tests.kernel.payments.test_pages import signed_in

pytestmark = pytest.mark.django_db
IBAN = "ES91 2100 0418 4502 0005 1332"
OWN = {
    "iban": "NL91ABNA0417164300",
    "account_name": "Testville",
    "direct_debit": {"creditor": "DE98ZZZ09999999999"},
}


@pytest.fixture(autouse=True)
def bank(sandbox_city: None, settings: Any) -> None:
    own = settings.CITY.options["payments"] | OWN
    settings.CITY = replace(settings.CITY, options=settings.CITY.options | {"payments": own})


@pytest.fixture
def mandate(payer: Person) -> Mandate:
    return mandates.sign(person_actor(payer), "Paula Prado", IBAN)


def euros(payer: Person, mandate: Mandate, amount: int = 10_000) -> Bill:
    made = mandates.put_on(person_actor(payer), bill_of(payer, amount, unit="EUR"), mandate)
    Bill.objects.filter(pk=made.pk).update(due_on=timezone.localdate())
    return Bill.objects.get(pk=made.pk)


def sent(first: Actor, second: Actor, *chosen: Bill) -> DebitBatch:
    batch = debits.release(second, debits.prepare(first, chosen))
    debits.fetch(first, batch)
    return DebitBatch.objects.get(pk=batch.pk)


def came(amount: int, debit: Debit, **more: str) -> None:
    told = {"servicer_ref": uuid4().hex[:20], "end_to_end": debit.uid.hex} | more
    book_entry(Entry("NL91", amount, "EUR", timezone.localdate(), **told))


def test_a_mandate_is_signed_once_by_whoever_pays(payer: Person, mandate: Mandate) -> None:
    assert mandates.sign(person_actor(payer), "Paula", "ES9121000418450200051332") == mandate
    assert (mandate.ending, mandate.name) == ("1332", "Paula Prado") and mandate.provider_ref.startswith("M-")
    other = Person.objects.create_user("otto@example.org", "a long password")
    with pytest.raises(Denied):
        mandates.put_on(person_actor(other), bill_of(payer, 500, unit="EUR"), mandate)
    for name, iban, field in (("P", "ES9221000418450200051332", "iban"), (" ", IBAN, "name"), ("P", BRITISH, "iban")):
        with pytest.raises(Invalid) as refused:
            mandates.sign(person_actor(payer), name, iban)
        assert refused.value.field == field
    with pytest.raises(Denied):
        mandates.sign(system("test"), "P", IBAN)
    with pytest.raises(Conflict):
        mandates.put_on(person_actor(payer), bill_of(payer, 500, unit="BRL"), mandate)


BRITISH = "GB33BUKB20201555555555"


def test_collected_by_two_officers_and_paid_by_the_statement(
    payer: Person, mandate: Mandate, right: Callable[[], None]
) -> None:
    first, second = officer("olga"), officer("olaf")
    mine, other = euros(payer, mandate), euros(payer, mandate, 700)
    assert list(debits.due()) == [mine, other]
    batch = debits.prepare(first, debits.due())
    assert list(debits.due()) == [] and batch.execute_on == debits.first_day() > timezone.localdate()
    for wrong in (first, person_actor(payer)):
        with pytest.raises(CityhallError):
            debits.release(wrong, batch)
    batch = debits.release(second, batch)
    assert batch.content == debits.release(second, batch).content
    data = debits.fetch(first, batch)
    assert schema_fault(data, SCHEMA) == ""
    for text in (mandate.provider_ref, mine.reference, "107.00", "ES9121000418450200051332", "DE98ZZZ09999999999"):
        assert text in data.decode()
    with pytest.raises(Conflict):
        debits.fetch(first, batch)
    assert Notification.objects.filter(person=payer, url=f"/payments/bills/{mine.pk}/").exists(), "told before"
    for one in batch.debits.all():
        came(one.amount, one)
    assert set(Bill.objects.values_list("state", flat=True)) == {"paid"}
    right()
    # Within eight weeks the payer's bank takes it back.
    came(-700, batch.debits.get(bill=other), returned="AM04")
    other.refresh_from_db()
    assert other.state == "open" and list(debits.due()) == [other]
    assert "not enough money" in batch.debits.get(bill=other).why and batch.debits.get(bill=mine).why == ""
    told = Notification.objects.get(person=payer, title__contains="came back")
    assert "not enough money" in told.body and told.url == f"/payments/bills/{other.pk}/"
    right()
    # Who has ended the direct debit meanwhile is not told that it is collected once more.
    assert "once more" in told.body
    batch = sent(first, second, other)
    came(700, batch.debits.get())
    mandates.revoke(person_actor(payer), mandate)
    came(-700, batch.debits.get(), returned="MD06")
    told = Notification.objects.filter(person=payer, title__contains="came back").latest("pk")
    assert "asked for the money back" in told.body and "pay it on its page" in told.body
    other.refresh_from_db()
    assert (other.mandate, other.scheme, other.state) == (None, "single", "open") and list(debits.due()) == []
    right()


def test_what_changed_meanwhile_is_not_collected(payer: Person, mandate: Mandate) -> None:
    first, second, mine = officer("olga"), officer("olaf"), euros(payer, mandate)
    batch = debits.prepare(first, [mine])
    with pytest.raises(Conflict):
        debits.prepare(first, [mine])
    mandates.revoke(person_actor(payer), mandate)
    mine.refresh_from_db()
    assert (mine.scheme, mine.mandate) == ("single", None)
    with pytest.raises(Conflict, match="changed meanwhile"):
        debits.release(second, batch)
    assert not Intent.objects.exists()
    with pytest.raises(Invalid):
        debits.withdraw(first, batch, " ")
    assert debits.withdraw(first, batch, "ended by the payer").state == "withdrawn"
    with pytest.raises(Conflict):
        debits.release(second, batch)
    again = mandates.sign(person_actor(payer), "Paula Prado", IBAN)
    assert again != mandate
    batch = debits.prepare(first, [mandates.put_on(person_actor(payer), mine, again)])
    bills.void(mine, system("test"))
    with pytest.raises(Conflict):
        debits.release(second, batch)


def test_a_day_that_banks_refuse_and_one_that_is_past_at_the_release(payer: Person, mandate: Mandate) -> None:
    first, second, mine = officer("olga"), officer("olaf"), euros(payer, mandate)
    for day in (timezone.localdate(), timezone.localdate() + timedelta(days=30)):
        with pytest.raises(Invalid):
            debits.prepare(first, [mine], day)
    later = next_target_day(timezone.localdate() + timedelta(days=7))
    Bill.objects.update(due_on=later)
    with pytest.raises(Invalid, match="before it is due"):
        debits.prepare(first, [mine], debits.first_day())
    batch = debits.prepare(first, [mine])
    assert batch.execute_on == later
    DebitBatch.objects.update(execute_on=timezone.localdate() - timedelta(days=3))
    assert debits.release(second, batch).execute_on == debits.first_day()


def test_what_the_bank_refuses_is_due_again(payer: Person, mandate: Mandate) -> None:
    first, second, mine = officer("olga"), officer("olaf"), euros(payer, mandate)
    batch = sent(first, second, mine)
    space = "urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"
    why = "<StsRsnInf><Rsn><Cd>AC04</Cd></Rsn></StsRsnInf>"
    end_to_end = f"<OrgnlEndToEndId>{Debit.objects.get().uid.hex}</OrgnlEndToEndId>"
    refused = f"<TxInfAndSts>{end_to_end}<TxSts>RJCT</TxSts>{why}"
    group = f"<OrgnlGrpInfAndSts><OrgnlMsgId>{batch.message_id}</OrgnlMsgId><GrpSts>PART</GrpSts></OrgnlGrpInfAndSts>"
    body = f"{group}<OrgnlPmtInfAndSts>{refused}</TxInfAndSts></OrgnlPmtInfAndSts>"
    data = f'<Document xmlns="{space}"><CstmrPmtStsRpt>{body}</CstmrPmtStsRpt></Document>'.encode()
    for _twice in range(2):
        assert read_bank_status(first, data) == batch
    assert Intent.objects.get().standing == "failed" and list(debits.due()) == [mine]
    told = Notification.objects.get(person=payer, title__contains="came back")
    assert "the account is closed" in told.body, "told once"
    assert checks.differences() == []


def test_a_city_that_does_not_collect(settings: Any, payer: Person) -> None:
    settings.CITY = replace(settings.CITY, options={"payments": {"providers": ["sandbox"]}})
    with pytest.raises(Conflict):
        mandates.sign(person_actor(payer), "Paula Prado", IBAN)
    assert ">Sign</button>" not in signed_in(payer).get("/payments/direct-debit/").content.decode()
    settings.CITY = replace(settings.CITY, options={"payments": OWN | {"direct_debit": {"creditor": "DE97ZZZ0999"}}})
    with pytest.raises(Invalid):
        mandates.sign(person_actor(payer), "Paula Prado", IBAN)


def test_through_the_pages(payer: Person) -> None:
    client, mine = signed_in(payer), bill_of(payer, 500, unit="EUR")
    form = {"name": "Paula Prado", "iban": IBAN}
    assert client.post("/payments/direct-debit/", form).status_code == 422, "not agreed"
    assert client.post("/payments/direct-debit/", form | {"agreed": "1", "iban": "ES00"}).status_code == 422
    assert client.post("/payments/direct-debit/", form | {"agreed": "1"}).status_code == 302
    found = Mandate.objects.get()
    page = client.get("/payments/direct-debit/").content.decode()
    assert found.provider_ref in page and "DE98ZZZ09999999999" in page
    assert "ends in 1332" in client.get(f"/payments/bills/{mine.pk}/").content.decode()
    other = signed_in(Person.objects.create_user("otto@example.org", "a long password"))
    for path, values in ((f"bills/{mine.pk}/debit/", {"mandate": found.pk}), (f"direct-debit/{found.pk}/end/", {})):
        assert other.post(f"/payments/{path}", values).status_code == 404
        assert Client().post(f"/payments/{path}", values).status_code == 302
    assert client.post(f"/payments/bills/{mine.pk}/debit/", {"mandate": found.pk}).status_code == 302
    assert "collected by direct debit" in client.get(f"/payments/bills/{mine.pk}/").content.decode()
    assert list(debits.due()) == [mine]
    client.post(f"/payments/direct-debit/{found.pk}/end/")
    assert list(debits.due()) == [] and "ended on" in client.get("/payments/direct-debit/").content.decode()
