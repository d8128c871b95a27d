"""Direct debits on the treasurer's pages: what is due, the file by two officers, who agreed to it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from cityhall.kernel.payments import mandates
from cityhall.kernel.payments.bank_entries import Entry, book_entry
from cityhall.kernel.payments.bills import BillLine, make_bill
from cityhall.kernel.payments.models import Bill, Debit, DebitBatch, Mandate
from cityhall.kernel.people.actors import Actor, person_actor
from cityhall.kernel.people.models import Person
from tests.services.treasury.test_pages import browser, text

pytestmark = pytest.mark.django_db
OWN = {"iban": "NL91ABNA0417164300", "account_name": "Testville", "direct_debit": {"creditor": "DE98ZZZ09999999999"}}


@pytest.fixture
def paula(settings: Any) -> Actor:
    settings.CITY = replace(settings.CITY, options={**settings.CITY.options, "payments": OWN})
    return person_actor(Person.objects.create_user("paula@example.org", name="Paula"))


def due(paula: Actor, amount: int, title: str = "City map") -> Bill:
    payer, lines = Person.objects.get(pk=paula.person_id), [BillLine(title, amount)]
    made = make_bill(uuid4(), payer, lines, timezone.localdate(), service="testing", title=title, unit="EUR")
    return mandates.put_on(paula, made, mandates.sign(paula, "Paula Prado", "ES9121000418450200051332"))


def test_what_is_due_is_put_together_by_one_officer_and_released_by_another(paula: Actor) -> None:
    client, second, mine = browser(), browser("ann"), due(paula, 12_50)
    due(paula, 99_00, "Compost bin")
    assert "111.50 EUR to be collected" in text(client, "/treasury/debits/")
    assert client.post("/treasury/debits/", {"chosen": ["x"]}).status_code == 302
    assert not DebitBatch.objects.exists(), "nothing was chosen"
    client.post("/treasury/debits/", {"chosen": [str(mine.pk)]})
    address = f"/treasury/debits/{DebitBatch.objects.get().pk}/"
    assert "another officer looks at it" in text(client, address) and "99.00 EUR" in text(client, "/treasury/debits/")
    client.post(f"{address}release/")
    assert DebitBatch.objects.get().state == "prepared"
    second.post(f"{address}release/")
    answer = client.post(f"{address}fetch/")
    assert b"<Nm>Paula Prado</Nm>" in answer.content and answer["Content-Type"] == "application/xml"
    assert client.post(f"{address}fetch/").status_code == 302, "once"
    second.post(f"{address}allow/", {"reason": "The bank never had it"})
    assert client.post(f"{address}fetch/").status_code == 200
    assert client.post(f"{address}nonsense/").status_code == 404
    told = {"servicer_ref": "B-1", "end_to_end": Debit.objects.get().uid.hex}
    book_entry(Entry("NL91", 12_50, "EUR", timezone.localdate(), **told))
    assert "paid" in text(client, address)
    mine.refresh_from_db()
    assert mine.state == "paid"
    book_entry(Entry("NL91", -12_50, "EUR", timezone.localdate(), **told | {"servicer_ref": "B-2"}))
    assert "came back 1 time" in text(client, "/treasury/debits/")


def test_a_batch_is_withdrawn_and_what_the_bank_answers_is_read_as_a_file(paula: Actor) -> None:
    client, second, mine = browser(), browser("ann"), due(paula, 12_50)
    client.post("/treasury/debits/", {"chosen": [str(mine.pk)]})
    first = DebitBatch.objects.get()
    client.post(f"/treasury/debits/{first.pk}/withdraw/", {"reason": "The day is wrong"})
    assert "The day is wrong" in text(client, f"/treasury/debits/{first.pk}/")
    client.post("/treasury/debits/", {"chosen": [str(mine.pk)]})
    batch = DebitBatch.objects.exclude(pk=first.pk).get()
    second.post(f"/treasury/debits/{batch.pk}/release/")
    said = (
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"><CstmrPmtStsRpt><OrgnlGrpInfAndSts>'
        f"<OrgnlMsgId>{batch.message_id}</OrgnlMsgId><GrpSts>RJCT</GrpSts></OrgnlGrpInfAndSts>"
        "</CstmrPmtStsRpt></Document>"
    )
    file = SimpleUploadedFile("answer.xml", said.encode(), "application/xml")
    assert client.post("/treasury/bank/files/", {"file": file}).status_code == 302
    assert "12.50 EUR to be collected" in text(client, "/treasury/debits/")


def test_mandates_are_found_with_what_was_collected_last_and_an_auditor_changes_nothing(paula: Actor) -> None:
    client, eve, mine = browser(), browser("eve", "auditor"), due(paula, 12_50)
    mandate = Mandate.objects.get()
    assert "nothing collected yet" in text(eve, "/treasury/debits/mandates/")
    assert eve.post("/treasury/debits/", {"chosen": [str(mine.pk)]}).status_code == 403
    client.post("/treasury/debits/", {"chosen": [str(mine.pk)]})
    batch = DebitBatch.objects.get()
    assert eve.post(f"/treasury/debits/{batch.pk}/release/").status_code == 403
    browser("ann").post(f"/treasury/debits/{batch.pk}/release/")
    for words in (mandate.provider_ref.lower(), "prado", "paula"):
        said = text(eve, f"/treasury/debits/mandates/?q={words}")
        assert mandate.provider_ref in said and "12.50" in said, words
    assert "Nobody has agreed" in text(eve, "/treasury/debits/mandates/?state=ended")
    assert "1 mandate for direct debit is in force" in text(eve, "/treasury/debits/mandates/")
    for page in ("", "mandates/", f"{batch.pk}/"):
        assert Client().get(f"/treasury/debits/{page}").status_code in (302, 403), page


def test_a_city_that_does_not_collect_says_so() -> None:
    assert "no creditor identifier" in text(browser(), "/treasury/debits/")
