"""A resident has recycling fetched on a telephone, the crew weighs it, points pay the fee, and come back pro rata."""

from __future__ import annotations

import re

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Demo, enter, keep
from tests.e2e.test_accessibility import faults_here
from tests.e2e.test_house import comes, signed_in

pytestmark = pytest.mark.browser
RESIDENT = "resident@demo.example"


def weigh(desktop: Page, number: str, kilograms: dict[str, str]) -> None:
    """The crew's form for a stop, by hand."""
    desktop.goto(f"/recycling/round/{number}/")
    desktop.get_by_role("button", name="We are on our way").click()
    expect(desktop.get_by_text("They were told that you come.")).to_be_visible()
    for key, text in kilograms.items():
        desktop.locator(f"#kg-{key}").fill(text)
    assert faults_here(desktop) == []
    keep(desktop, "recycling-stop")
    desktop.get_by_role("button", name="That is the weight").click()
    expect(desktop.get_by_text(re.compile("^Weighed: "))).to_be_visible()


def points_of(demo: Demo) -> int:
    with httpx.Client(base_url=demo.address, timeout=60, follow_redirects=True) as browser:
        enter(browser, demo, RESIDENT)
        return int(browser.get("/api/recycling/points").json()["balance"])


def test_fetched_weighed_paid_and_given_back(phone: Page, desktop: Page, demo: Demo) -> None:
    signed_in(phone, demo, RESIDENT)
    phone.goto("/recycling/")
    assert faults_here(phone) == []
    keep(phone, "recycling-home")
    phone.get_by_role("link", name="Ask for a pickup").first.click()
    phone.get_by_label("Drink cans").fill("12")
    phone.get_by_label("Paper", exact=True).fill("5")
    keep(phone, "recycling-what")
    phone.get_by_role("button", name="Next: where").click()
    phone.get_by_label("Street and number").fill("Square of the Town Hall 1")
    phone.get_by_role("button", name="Find it").click()
    keep(phone, "recycling-where")
    phone.get_by_role("button", name="Next: when").click()
    assert faults_here(phone) == []
    keep(phone, "recycling-when")
    # The last of the windows: the demo's own people take the first ones.
    phone.locator(".recycling-window").last.click()
    phone.get_by_role("button", name="Ask for it").click()
    expect(phone).to_have_url(re.compile(r"/recycling/pickups/\d+/$"))
    expect(phone.get_by_text("A crew comes in this time.")).to_be_visible()
    number = phone.url.rstrip("/").rpartition("/")[2]
    signed_in(desktop, demo, "recycling-crew@demo.example")
    weigh(desktop, number, {"aluminium": "12.5", "paper": "5.25"})
    comes(phone, "What was weighed")
    assert faults_here(phone) == []
    keep(phone, "recycling-weighed")
    # 12.5 kg at 160 and half as many again, 5.25 kg at 24.
    expect(phone.locator(".recycling-sum")).to_contain_text("3,126 points")
    phone.get_by_role("button", name="That is right").click()
    expect(phone.get_by_text("The weight is confirmed.")).to_be_visible()
    before = points_of(demo)
    phone.goto("/recycling/points/")
    comes(phone, "Pay with points")
    assert faults_here(phone) == []
    keep(phone, "recycling-points")
    phone.get_by_role("link", name="Pay with points").click()
    keep(phone, "recycling-fee")
    phone.get_by_role("button", name=re.compile("^Pay ")).click()
    expect(phone.get_by_text("This page is your receipt.")).to_be_visible()
    assert points_of(demo) == before - 1200
    phone.goto("/recycling/points/shops/")
    keep(phone, "recycling-shops")
    phone.get_by_label("How many: Bar of soap").fill("2")
    phone.get_by_role("button", name=re.compile("^Get it ?: Bar of soap")).click()
    code = phone.locator(".recycling-code-large").inner_text()
    keep(phone, "recycling-voucher")
    signed_in(desktop, demo, "recycling-shop@demo.example")
    desktop.goto("/recycling/shop/")
    desktop.get_by_label("Code").fill(code.lower())
    desktop.get_by_role("button", name="Find").click()
    desktop.get_by_role("button", name="Redeem it").click()
    desktop.get_by_label("Brought back").fill("1")
    keep(desktop, "recycling-shop")
    desktop.get_by_role("button", name="Take back").click()
    expect(desktop.get_by_text("The points went back too.")).to_be_visible()
    assert points_of(demo) == before - 1200 - 150
    phone.goto("/recycling/impact/")
    expect(phone.get_by_text("WARM version 16").first).to_be_visible()
    keep(phone, "recycling-impact")
