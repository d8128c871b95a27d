"""Refunds that have no account: told by one, in words that the bank would take, agreed to by another, paid out once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from cityhall.kernel.journal.models import Entry as Journal
from cityhall.kernel.notify.models import Notification
from cityhall.kernel.payments import giving_back, payouts
from cityhall.kernel.payments.bank_entries import Entry, book_entry
from cityhall.kernel.payments.bills import BillLine, make_bill
from cityhall.kernel.payments.models import Payout, Refund, RefundAccount
from cityhall.kernel.people.actors import Actor, person_actor
from cityhall.kernel.people.models import Person
from cityhall.services.treasury.waiting import waiting_for
from tests.services.treasury.test_corrections import officer
from tests.services.treasury.test_pages import browser, text

pytestmark = pytest.mark.django_db
PAGE = "/treasury/refunds/accounts/"
IBAN, OTHER, WRONG = "ES91 2100 0418 4502 0005 1332", "NL26VAYB8060476890", "ES9221000418450200051332"


@pytest.fixture
def paula(settings: Any, db: None) -> Person:
    own = {"iban": "NL91ABNA0417164300", "account_name": "Testville"}
    settings.CITY = replace(settings.CITY, options={**settings.CITY.options, "payments": own})
    return Person.objects.create_user("paula@example.org", "a long password", name="Paula")


def lost(payer: Person | None, amount: int = 5_00, unit: str = "EUR") -> Refund:
    """A refund of what came from an account that the bank did not name."""
    lines, today = [BillLine("City map", amount)], timezone.localdate()
    bill = make_bill(uuid4(), payer, lines, today, service="testing", title="City map", unit=unit)
    told: dict[str, Any] = {"servicer_ref": uuid4().hex[:20], "creditor_ref": bill.reference}
    book_entry(Entry("NL91", amount, unit, timezone.localdate(), **told))
    return giving_back.ask(acting("asker"), bill.intents.get(), amount, "Paid twice", key=uuid4())


def acting(name: str) -> Actor:
    """An officer, as whom somebody may be signed in."""
    person = Person.objects.filter(email=f"{name}@example.org").first()
    return officer(name) if person is None else person_actor(person)


def said(client: Client, refund: Refund, what: str, **more: str) -> int:
    return client.post(PAGE, {"refund": str(refund.pk), "what": what, **more}).status_code


def test_an_account_is_told_by_one_and_agreed_to_by_another(paula: Person) -> None:
    one, other, refund = browser(), browser("ann"), lost(paula)
    first = acting("tom")
    assert "City map" in text(one, PAGE) and "Of 1 refund nobody knows" in text(one, "/treasury/payouts/")
    assert "Of 1 refund nobody knows" in text(one, "/treasury/refunds/") and waiting_for(first) == 1
    answer = one.post(PAGE, {"refund": str(refund.pk), "what": "give", "name": "Paula Prado", "iban": WRONG})
    assert answer.status_code == 422 and WRONG in answer.content.decode(), "what was typed stays"
    assert said(one, refund, "give", name=" ", iban=IBAN) == 422 and not RefundAccount.objects.exists()
    assert said(one, refund, "agree", seen=IBAN) == 409, "none is told"
    assert said(one, refund, "give", name="Paula Prado", iban=IBAN) == 302
    assert "another treasurer has to agree" in text(one, PAGE) and waiting_for(first) == 0
    assert said(one, refund, "agree", seen=IBAN) == 403 and not Payout.objects.exists()
    assert waiting_for(acting("ann")) == 1
    assert said(other, refund, "agree", seen=OTHER) == 409, "another one than they saw"
    assert said(other, refund, "agree", seen=IBAN) == 302
    assert said(other, refund, "agree", seen=IBAN) == 409 and "Of every refund" in text(other, PAGE)
    payout, account = Payout.objects.get(), RefundAccount.objects.get()
    assert (payout.iban, payout.name, payout.amount, payout.source) == (IBAN.replace(" ", ""), "Paula Prado", 500, "")
    assert account.agreed_by != account.given_by == Person.objects.get(pk=first.person_id)
    kinds = ("refund.account_given", "refund.account_agreed")
    made = list(Journal.objects.filter(type__in=kinds, subject=refund.ref).order_by("id"))
    assert [row.type for row in made] == list(kinds) and made[0].actor == str(first) != made[1].actor
    # It goes out with the next file, and the statement closes it.
    batch = payouts.release(acting("ann"), payouts.prepare(first, Payout.objects.all()))
    assert b"ES9121000418450200051332" in payouts.fetch(first, batch)
    gone: dict[str, Any] = {"servicer_ref": "B-2", "end_to_end": refund.uid.hex}
    book_entry(Entry("NL91", -500, "EUR", timezone.localdate(), **gone))
    refund.refresh_from_db()
    assert refund.state == "done"


def test_what_is_not_the_account_is_told_anew(paula: Person) -> None:
    one, other, refund = browser(), browser("ann"), lost(paula)
    said(one, refund, "give", name="Paula", iban=OTHER)
    assert said(other, refund, "refuse") == 302 and not RefundAccount.objects.exists()
    assert said(other, refund, "refuse") == 409
    assert said(other, refund, "give", name="Paula", iban=IBAN) == 302
    assert said(one, refund, "agree", seen=IBAN) == 302, "who told the first one has not told this one"
    assert said(one, refund, "nonsense") == 404 and said(one, Refund(pk=99_999), "agree") == 404


def test_an_auditor_looks_and_does_nothing(paula: Person) -> None:
    refund, auditor = lost(paula), browser("ada", "auditor")
    assert "No account is told yet" in text(auditor, PAGE)
    for what in ("give", "agree", "refuse", "ask"):
        assert said(auditor, refund, what, name="Ada", iban=IBAN, seen=IBAN) == 403
    assert not RefundAccount.objects.exists() and not Notification.objects.exists()


def test_who_paid_is_asked_and_tells_it_on_the_bill(paula: Person) -> None:
    one, refund, mine = browser(), lost(paula), Client()
    mine.force_login(paula)
    page, tell = f"/payments/bills/{refund.intent.bill_id}/", f"/payments/bills/{refund.intent.bill_id}/account/"
    assert said(one, refund, "ask") == 302 == said(one, refund, "ask")
    assert Notification.objects.get(person=paula).url == page, "once"
    assert "To which account" in text(mine, page) and "To which account" not in text(one, page)
    form = {"refund": str(refund.pk), "name": "Paula Prado", "iban": WRONG}
    answer = mine.post(tell, form)
    assert answer.status_code == 422 and WRONG in answer.content.decode()
    assert one.post(tell, form | {"iban": IBAN}).status_code == 404, "not their bill"
    assert mine.post(tell, form | {"iban": IBAN}).status_code == 302 and "ends in 1332" in text(mine, page)
    assert said(one, refund, "agree", seen=IBAN) == 302 and Payout.objects.get().payee == paula
    assert "To which account" not in text(mine, page) and mine.post(tell, form).status_code == 404


def test_who_told_a_wrong_account_is_asked_once_more(paula: Person) -> None:
    one, refund, mine = browser(), lost(paula), Client()
    mine.force_login(paula)
    for turn in (1, 2):
        form = {"refund": str(refund.pk), "name": "Paula", "iban": OTHER}
        assert mine.post(f"/payments/bills/{refund.intent.bill_id}/account/", form).status_code == 302
        assert said(one, refund, "refuse") == 302
        assert Notification.objects.filter(person=paula, title__contains="cannot be paid to").count() == turn


def test_what_no_file_takes_is_shown_with_its_reference(paula: Person) -> None:
    one, refund, nobodys = browser(), lost(paula, unit="BRL"), lost(None)
    assert refund.uid.hex in text(one, PAGE) and said(one, refund, "give", name="Paula", iban=IBAN) == 409
    assert said(one, nobodys, "ask") == 409
