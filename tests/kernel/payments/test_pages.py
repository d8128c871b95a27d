"""Residents' pages: who sees a bill, how it is paid, and what a browser may claim."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.test import Client

from cityhall.kernel.payments.models import Bill, Intent
from cityhall.kernel.payments.providers import sandbox
from cityhall.kernel.people.models import Person
from tests.kernel.payments.conftest import bill_of

pytestmark = pytest.mark.django_db


def signed_in(person: Person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def test_only_the_payer_sees_a_bill(bill: Bill, payer: Person) -> None:
    other = Person.objects.create_user("otto@example.org", "a long password")
    assert signed_in(payer).get(f"/payments/bills/{bill.pk}/").status_code == 200
    assert signed_in(other).get(f"/payments/bills/{bill.pk}/").status_code == 404
    assert signed_in(other).post(f"/payments/bills/{bill.pk}/pay/", {"by": "sandbox"}).status_code == 404
    assert Client().get(f"/payments/bills/{bill.pk}/").status_code == 302
    assert Client().get(f"/payments/bill/{bill.secret}/").status_code == 404, "it has a payer, who signs in"
    assert bill.title in signed_in(payer).get("/payments/").content.decode()
    assert bill.title not in signed_in(other).get("/payments/").content.decode()


def test_without_an_account_by_the_link(db: None) -> None:
    bill = bill_of(None, 700)
    client = Client()
    assert client.get(f"/payments/bill/{bill.secret}/").status_code == 200
    assert client.get("/payments/bill/x/").status_code == 404
    answer = client.post(f"/payments/bill/{bill.secret}/pay/", {"by": "sandbox"}, follow=True)
    assert answer.redirect_chain[-1][0].startswith("/sandbox-bank/")


def test_paid_through_the_pages(bill: Bill, payer: Person) -> None:
    client = signed_in(payer)
    answer = client.post(f"/payments/bills/{bill.pk}/pay/", {"by": "sandbox"}, follow=True)
    address = answer.redirect_chain[-1][0]
    intent = Intent.objects.get()
    answer = client.get(f"/payments/back/{intent.uid}/?paid=1&status=succeeded")
    assert b'http-equiv="refresh"' in answer.content, "what the browser says is not believed"
    assert client.post(f"{address}card/", {"number": "1"}).status_code == 422
    declined = client.post(f"{address}card/", {"number": sandbox.DECLINED}, follow=True)
    assert b"declined" in declined.content
    client.post(f"{address}card/", {"number": "4000 0025 0000 3155"})
    answer = client.post(f"{address}challenge/", {"agreed": "1"}, follow=True)
    assert answer.redirect_chain[-1][0] == f"/payments/bills/{bill.pk}/"
    bill.refresh_from_db()
    assert bill.state == "paid" and b"receipt" in answer.content
    assert client.post(f"/payments/bills/{bill.pk}/pay/", {"by": "sandbox"}).status_code == 409


def test_giving_up_says_what_to_do(bill: Bill, payer: Person) -> None:
    client = signed_in(payer)
    address = client.post(f"/payments/bills/{bill.pk}/pay/", {"by": "sandbox"}, follow=True).redirect_chain[-1][0]
    answer = client.post(f"{address}cancel/", follow=True)
    assert b"Nothing was paid" in answer.content


@pytest.mark.parametrize("amount", ["x", "-1", "0", "99999", "1.234", "٣", "1e3"])
def test_amounts_that_are_none(payer: Person, amount: str) -> None:
    bill = bill_of(payer, 500, parts_allowed=True)
    answer = signed_in(payer).post(f"/payments/bills/{bill.pk}/pay/", {"by": "sandbox", "amount": amount})
    assert answer.status_code == 422 and b'role="alert"' in answer.content and not Intent.objects.exists()


def test_part_of_a_bill(payer: Person) -> None:
    bill = bill_of(payer, 500, parts_allowed=True)
    signed_in(payer).post(f"/payments/bills/{bill.pk}/pay/", {"by": "sandbox", "amount": "2,50"})
    assert Intent.objects.get().amount == 250


def test_bank_transfer_with_a_code(settings: Any, payer: Person) -> None:
    more = {"iban": "DE02120300000000202051", "account_name": "Testville"}
    options = settings.CITY.options | {"payments": settings.CITY.options["payments"] | more}
    settings.CITY = replace(settings.CITY, options=options)
    bill = bill_of(payer, 500, unit="EUR")
    page = signed_in(payer).get(f"/payments/bills/{bill.pk}/").content.decode()
    assert "DE02 1203 0000 0000 2020 51" in page and 'class="qr"' in page


def test_no_sandbox_in_a_city_without_it(settings: Any, bill: Bill, payer: Person) -> None:
    client = signed_in(payer)
    address = client.post(f"/payments/bills/{bill.pk}/pay/", {"by": "sandbox"}, follow=True).redirect_chain[-1][0]
    settings.CITY = replace(settings.CITY, options={})
    assert client.get(address).status_code == 404
    assert client.post(f"{address}card/", {"number": sandbox.GOOD}).status_code == 404
    assert Client().post("/api/payments/hooks/sandbox", b"{}", content_type="application/json").status_code == 404
