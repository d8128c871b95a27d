"""The treasurer's pages, looked at: by light and in the dark, on a telephone and at a desk."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, expect

from cityhall.kernel.ledger.accounts import open_account
from cityhall.kernel.ledger.books import Movement, transfer
from cityhall.kernel.ledger.holds import hold
from cityhall.kernel.ledger.models import Proof
from cityhall.kernel.ledger.posting import post, post_many
from cityhall.kernel.payments import debits, giving_back, mandates
from cityhall.kernel.payments.bank_entries import Entry, book_entry
from cityhall.kernel.payments.bills import BillLine, make_bill
from cityhall.kernel.payments.models import BankEntry, Bill
from cityhall.kernel.people.actors import person_actor
from cityhall.kernel.people.models import Person
from cityhall.services.treasury.corrections import ask
from tests.e2e.conftest import SCREENSHOTS
from tests.e2e.test_accessibility import faults_here
from tests.services.treasury.test_corrections import officer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
IBAN = "ES9121000418450200051332"
LOOKS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("desk", {"viewport": {"width": 1280, "height": 800}, "color_scheme": "light"}),
    (
        "phone",
        {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark", "is_mobile": True, "has_touch": True},
    ),
)


def moved(kind: str, debit: int, credit: int, amount: int, subject: str = "", **more: Any) -> Movement:
    return transfer(uuid4(), kind, debit=debit, credit=credit, amount=amount, subject=subject, **more)


def books() -> dict[str, str]:
    """A city's first weeks, and the addresses of its pages."""
    cash = open_account("city:cash:BRL", "asset", "BRL").pk
    income = open_account("income:house:BRL", "income", "BRL").pk
    purse = open_account("person:7:BRL", "liability", "BRL", floor=0).pk
    first = transfer(uuid4(), "house.topped_up", debit=cash, credit=purse, amount=250_00, subject="bill:11")
    post(first)
    for number in range(12, 40):
        post_many(
            [
                transfer(
                    uuid4(), "house.paid", debit=cash, credit=income, amount=1990 + number, subject=f"bill:{number}"
                ),
                transfer(uuid4(), "house.bought", debit=purse, credit=income, amount=450, subject=f"order:{number}"),
            ]
        )
    large = transfer(uuid4(), "house.paid", debit=cash, credit=income, amount=98_765_43, subject="bill:99")
    post(large)
    soon = timezone.now() + timedelta(minutes=25)
    made = hold(uuid4(), "house.order", debit=purse, credit=income, amount=1500, expires_at=soon, subject="order:41")
    hold(uuid4(), "house.deposit", debit=purse, credit=income, amount=5000, subject="booking:3")
    issued = open_account("points:issued", "expense", "points").pk
    points = open_account("person:7:points", "liability", "points", floor=0, lots=True).pk
    for number in range(14):
        day = str(date(2027, 1 + number % 8, 15))
        origin = ("recycling.weighed", "gift", "campaign")[number % 3]
        post(moved("points.given", issued, points, 900 + 137 * number, origin=origin, expires_on=day))
    other = open_account("person:8:BRL", "liability", "BRL", floor=0).pk
    wrong = transfer(uuid4(), "house.topped_up", debit=cash, credit=other, amount=40_00, subject="bill:12")
    post(wrong)
    post(transfer(uuid4(), "house.bought", debit=other, credit=income, amount=40_00, subject="order:9"))
    tom = officer("tom")
    ask(tom, wrong.uid, "The card payment was charged back", forced=True)
    ask(officer("ann"), large.uid, "Entered with two digits too many")
    for nights in range(20):
        found = [["account", "city:cash:BRL", "-100"]] if nights == 6 else []
        moment = timezone.now() - timedelta(days=nights)
        Proof.objects.create(day=timezone.localdate(moment), at=moment, faults=len(found), found=found)
    return {
        "overview": "/treasury/",
        "trial": "/treasury/trial/?unit=BRL",
        "statement": f"/treasury/accounts/{purse}/",
        "holds": "/treasury/holds/",
        "hold": f"/treasury/holds/{made.uid}/",
        "points": "/treasury/points/",
        "debts": "/treasury/debts/",
        "proofs": "/treasury/proofs/",
        "corrections": "/treasury/corrections/",
        "find": "/treasury/find/?q=bill:12",
        "posting": f"/treasury/postings/{first.uid}/",
    }


def money(settings: Any) -> dict[str, str]:
    """Bills of a resident: one to be collected, one in a batch, one with too much; and what a stranger sent."""
    own = {"iban": "NL91ABNA0417164300", "account_name": "Testville"}
    direct_debit = {"creditor": "DE98ZZZ09999999999"}
    payments = own | {"direct_debit": direct_debit, "providers": ["sandbox"]}
    settings.CITY = replace(settings.CITY, options={**settings.CITY.options, "payments": payments})
    paula = Person.objects.create_user("paula@example.org", name="Paula Prado")
    payer, today = person_actor(paula), timezone.localdate()

    def bill(title: str, amount: int) -> Bill:
        lines = [BillLine(title, amount)]
        return make_bill(uuid4(), paula, lines, today, service="house", title=title, unit="EUR")

    def came(amount: int, **more: Any) -> BankEntry:
        told = {"servicer_ref": uuid4().hex[:20], "name": "Paula Prado", "iban": IBAN, **more}
        return book_entry(Entry("NL91", amount, "EUR", today, **told))[0]

    mandate = mandates.sign(payer, "Paula Prado", IBAN)
    mandates.revoke(payer, mandates.sign(payer, "Paula Prado-Albuquerque", "NL26VAYB8060476890"))
    for title, amount in (("Choir practice in the Garden hall", 24_00), ("City map and postage", 5_70)):
        mandates.put_on(payer, bill(title, amount), mandate)
    batch = debits.prepare(officer("bea"), debits.due()[:1])
    much = bill("Compost bin", 24_00)
    came(29_00, creditor_ref=much.reference)
    giving_back.ask(officer("carl"), much.intents.get(), 5_00, "Paid too much", key=uuid4())
    came(11_50, creditor_ref=bill("Tourist card", 9_00).reference)
    strange = came(
        75_00, name="Sociedade Recreativa do Bairro", text="Obrigado pela sala, com os melhores cumprimentos"
    )
    return {
        "bank": "/treasury/bank/",
        "entry": f"/treasury/bank/{strange.pk}/",
        "files": "/treasury/bank/files/",
        "bills": "/treasury/bills/",
        "credits": "/treasury/bills/?state=credit",
        "bill": f"/treasury/bills/{much.pk}/",
        "payouts": "/treasury/payouts/",
        "debits": "/treasury/debits/",
        "debit-batch": f"/treasury/debits/{batch.pk}/",
        "mandates": "/treasury/debits/mandates/",
    }


def test_every_page_is_whole_and_open_to_everybody(chromium: Browser, live_server: Any, settings: Any) -> None:
    pages = books() | money(settings)
    client = Client()
    client.force_login(Person.objects.get(email="tom@example.org"))
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
    SCREENSHOTS.mkdir(exist_ok=True)
    wrong: dict[str, Any] = {}
    for look, options in LOOKS:
        context = chromium.new_context(base_url=live_server.url, locale="en-GB", reduced_motion="reduce", **options)
        context.add_cookies([cookie])  # type: ignore[list-item]
        page = context.new_page()
        for name, address in pages.items():
            page.goto(address)
            expect(page.locator("h1")).to_be_visible()
            if found := faults_here(page):
                wrong[f"{name} {look}"] = found
            wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            if wide > 1:
                wrong[f"{name} {look} wide"] = wide
            page.screenshot(path=SCREENSHOTS / f"treasury-{name}-{look}.png", full_page=True)
        context.close()
    assert wrong == {}
