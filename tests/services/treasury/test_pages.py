"""The treasurer's pages say what the books say, to those who may see them."""

from __future__ import annotations

import csv
import html
import io
import re
from datetime import date, timedelta
from itertools import pairwise
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from cityhall.kernel.journal.models import Entry as Event
from cityhall.kernel.ledger.accounts import open_account
from cityhall.kernel.ledger.books import transfer
from cityhall.kernel.ledger.holds import hold
from cityhall.kernel.ledger.models import Account, Proof
from cityhall.kernel.ledger.posting import post, post_many
from cityhall.kernel.ledger.proof import prove
from cityhall.kernel.people.models import Person
from cityhall.services.treasury import statement_pages
from cityhall.services.treasury.amounts import plain, shown
from cityhall.services.treasury.corrections import ask
from tests.kernel.ledger.test_posting import pay
from tests.services.treasury.test_corrections import WHY, officer

pytestmark = pytest.mark.django_db
PAGES = ("", "trial/", "holds/", "points/", "debts/", "proofs/", "corrections/", "find/")


def browser(name: str = "tom", role: str = "treasurer") -> Client:
    client = Client()
    client.force_login(Person.objects.get(pk=officer(name, role).person_id))
    return client


def text(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, address
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode())))


def table(client: Client, address: str) -> list[list[str]]:
    answer: Any = client.get(address)
    assert answer.status_code == 200 and answer["Content-Type"].startswith("text/csv")
    return list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))


def books() -> tuple[Account, Account]:
    """The city's cash, somebody's wallet with a floor."""
    return open_account("city:cash:EUR", "asset", "EUR"), open_account("person:7:EUR", "liability", "EUR", floor=0)


def test_strangers_and_officers_of_other_desks_see_nothing() -> None:
    cash, wallet = books()
    post(pay(cash.pk, wallet.pk, 5))
    other = Client()
    other.force_login(Person.objects.create_user("resident@example.org", name="Resident"))
    for client in (Client(), other):
        for page in (*PAGES, f"accounts/{cash.pk}/", f"accounts/{cash.pk}/statement.csv", "trial.csv", "points.csv"):
            answer = client.get(f"/treasury/{page}")
            assert answer.status_code in (302, 403) and b"city:cash" not in answer.content, page


def test_every_page_says_what_there_is_while_there_is_nothing() -> None:
    client = browser()
    for page in PAGES:
        assert client.get(f"/treasury/{page}").status_code == 200, page
    assert "Nothing is in the books yet" in text(client, "/treasury/")
    for page in ("accounts/999999/", f"holds/{uuid4()}/", f"postings/{uuid4()}/", "accounts/99999999999999999999/"):
        assert client.get(f"/treasury/{page}").status_code == 404, page


def test_the_trial_balance_of_a_past_instant_is_what_was_then() -> None:
    client, (cash, wallet) = browser(), books()
    post(pay(cash.pk, wallet.pk, 123_456))
    then = timezone.now()
    post(pay(wallet.pk, cash.pk, 456))
    now = text(client, "/treasury/trial/?unit=EUR")
    assert "1,230.00" in now and "Debits and credits are equal" in now
    at = timezone.localtime(then).isoformat()
    assert "1,234.56" in text(client, f"/treasury/trial/?at={at.replace('+', '%2B')}")
    rows = table(client, f"/treasury/trial.csv?at={at.replace('+', '%2B')}")
    assert ["EUR", "city:cash:EUR", "asset", "1234.56", "0.00"] in rows
    assert rows[-1] == ["EUR", "", "sum", "1234.56", "1234.56"]
    assert Event.objects.get(type="table.taken").data["what"] == "trial"
    for wrong in ("yesterday", (timezone.now() + timedelta(days=1)).date().isoformat()):
        assert client.get("/treasury/trial/", {"at": wrong}).status_code == 422


@pytest.mark.django_db(transaction=True)
def test_tables_are_taken_along_where_no_transaction_is_open_already() -> None:
    client, (cash, wallet) = browser(), books()
    post(pay(cash.pk, wallet.pk, 5))
    for page in ("trial.csv", f"accounts/{wallet.pk}/statement.csv", "points.csv?unit=EUR"):
        assert len(table(client, f"/treasury/{page}")) >= 1, page


def test_a_statement_has_every_entry_once_with_the_running_balance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statement_pages, "LINES", 7)
    client, (cash, wallet) = browser(), books()
    post_many([pay(cash.pk, wallet.pk, 100 + number, subject=f"topup:{number}") for number in range(20)])
    seen: list[str] = []
    address = f"/treasury/accounts/{wallet.pk}/"
    while address:
        page = client.get(address).content.decode()
        seen += re.findall(r">(topup:\d+)<", page)
        found = re.search(r'href="(\?[^"]*after=\d+[^"]*)"', page)
        address = f"/treasury/accounts/{wallet.pk}/{html.unescape(found[1])}" if found else ""
    assert seen == [f"topup:{number}" for number in range(20)]
    rows = table(client, f"/treasury/accounts/{wallet.pk}/statement.csv")
    assert rows[1][3] == "opening" and rows[-1][3] == "closing"
    balances = [round(float(row[6]) * 100) for row in rows[1:]]
    amounts = [round(float(row[5]) * 100) for row in rows[2:-1]]
    assert [after - before for before, after in pairwise(balances[:-1])] == amounts
    assert balances[-1] == Account.objects.get(pk=wallet.pk).balance
    tomorrow = (timezone.localdate() + timedelta(days=1)).isoformat()
    assert "Nothing came or went" in text(client, f"/treasury/accounts/{wallet.pk}/?first=2020-01-01&last=2020-01-02")
    assert client.get(f"/treasury/accounts/{wallet.pk}/?first={tomorrow}&last=x").status_code == 200


def test_a_reversal_is_pressed_and_both_are_told_of_on_the_statement() -> None:
    client, (cash, wallet) = browser(), books()
    paid = pay(cash.pk, wallet.pk, 500, subject="topup:1")
    post(paid)
    address = f"/treasury/postings/{paid.uid}/"
    refused = client.post(address, {"reason": "no"})
    assert refused.status_code == 422 and b"Say in a few words why" in refused.content
    assert client.post(address, {"reason": WHY}).status_code == 302
    said = text(client, f"/treasury/accounts/{wallet.pk}/")
    assert "reversed" in said and "reversal" in said
    assert b"Reverse it" not in client.get(address).content
    found = text(client, "/treasury/find/?q=topup:1")
    assert "test.paid" in found and "treasury.reversed" in found
    assert "person:7:EUR" in text(client, "/treasury/find/?q=person:7")
    assert "Nothing in the books" in text(client, "/treasury/find/?q=nobody")


def test_a_second_officer_agrees_on_the_page_of_corrections() -> None:
    client, (cash, wallet) = browser(), books()
    paid = pay(cash.pk, wallet.pk, 1_000_000)
    post(paid)
    assert client.post(f"/treasury/postings/{paid.uid}/", {"reason": WHY}).status_code == 302
    page = client.get("/treasury/corrections/").content.decode()
    assert "another treasurer has to agree" in page and "/agree/" not in page
    second = browser("ann")
    page = second.get("/treasury/corrections/").content.decode()
    agree = re.search(r'action="([^"]+/agree/)"', page)
    assert agree and client.post(agree[1]).status_code == 403
    assert second.post(agree[1]).status_code == 302
    assert Account.objects.get(pk=wallet.pk).balance == 0
    auditor = browser("eve", "auditor")
    assert auditor.get("/treasury/corrections/").status_code == 200
    assert auditor.post(f"/treasury/postings/{paid.uid}/", {"reason": WHY}).status_code == 403


def test_holds_debts_points_and_proofs_are_shown() -> None:
    client, (cash, wallet) = browser(), books()
    post(pay(cash.pk, wallet.pk, 1000))
    soon = timezone.now() + timedelta(minutes=20)
    made = hold(uuid4(), "test.order", debit=wallet.pk, credit=cash.pk, amount=777, expires_at=soon, subject="order:5")
    assert "order:5" in text(client, "/treasury/holds/") and "7.77" in text(client, "/treasury/")
    assert client.post(f"/treasury/holds/{made.uid}/", {"reason": ""}).status_code == 422
    assert client.post(f"/treasury/holds/{made.uid}/", {"reason": WHY}).status_code == 302
    assert client.post(f"/treasury/holds/{made.uid}/", {"reason": WHY}).status_code == 302, "again it stays let go"
    issued = open_account("points:issued", "expense", "points")
    points = open_account("person:7:points", "liability", "points", floor=0, lots=True)
    for origin, amount, month in (("weighed", 1500, 3), ("gift", 40, 3), ("weighed", 60, 4)):
        day = str(date(2027, month, 15))
        post(transfer(uuid4(), "t", debit=issued.pk, credit=points.pk, amount=amount, origin=origin, expires_on=day))
    said = text(client, "/treasury/points/")
    assert "1,600 points" in said and "March 2027" in said and "1,540" in said
    assert ["2027-03", "gift", "40", "points"] in table(client, "/treasury/points.csv?unit=points")
    wrong = pay(cash.pk, wallet.pk, 50)
    post(wrong)
    post(pay(wallet.pk, cash.pk, 1050))
    ask(officer("ann"), wrong.uid, WHY, forced=True)
    assert "person:7:EUR" in text(client, "/treasury/debts/") and "0.50" in text(client, "/treasury/debts/")
    prove()
    Proof.objects.create(day=date(2026, 1, 1), at=timezone.now(), faults=1, found=[["unit", "EUR", "-1"]])
    said = text(client, "/treasury/proofs/")
    assert "all is right" in said and "unit EUR" in said


def test_an_account_of_a_strange_name_is_no_formula_and_no_markup() -> None:
    client, (cash, _wallet) = browser(), books()
    odd = open_account("=HYPERLINK(<script>)", "liability", "EUR")
    post(pay(cash.pk, odd.pk, 5))
    assert b"<script>)" not in client.get("/treasury/trial/?unit=EUR").content
    assert "'=HYPERLINK(<script>)" in {row[1] for row in table(client, "/treasury/trial.csv")}


def test_amounts_are_written_by_their_units() -> None:
    said = [plain(-5, "EUR"), plain(123456, "JPY"), plain(1234567, "BHD"), plain(-7, "points"), shown(-123456, "EUR")]
    assert said == ["-0.05", "123456", "1234.567", "-7", "−1,234.56"]
