"""A resident books a room on a telephone and pays; officers see it at the desk and hand out at the counter."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Demo, enter, keep
from tests.e2e.test_accessibility import faults_here

pytestmark = pytest.mark.browser
GOOD = "4242424242424242"


def signed_in(page: Page, demo: Demo, email: str) -> None:
    """The page's browser is that of one of the demo's accounts."""
    with httpx.Client(base_url=demo.address, timeout=60, follow_redirects=True) as browser:
        enter(browser, demo, email)
        session = browser.cookies["sessionid"]
    page.context.add_cookies([{"name": "sessionid", "value": session, "url": demo.address}])


def free_day(demo: Demo, room: str, ahead: int) -> str:
    """A day some weeks ahead, where the demo's guests do not come, on which the room is open."""
    day = datetime.fromtimestamp(demo.time(), UTC).date() + timedelta(days=ahead)
    for more in range(7):
        asked = {"day": f"{day + timedelta(days=more)}", "days": 1}
        hours = httpx.get(f"{demo.address}/api/house/rooms/{room}/hours", params=asked, timeout=60).json()
        if len(hours) > 5 and all(one["free"] for one in hours):
            return asked["day"]  # type: ignore[return-value]
    raise AssertionError("the room is never free")


def pays(page: Page) -> None:
    """Presses "Pay", and pays at the provider with a good card."""
    page.get_by_role("button", name=re.compile("^Pay ")).click()
    expect(page).to_have_url(re.compile("/sandbox-bank/"))
    page.get_by_label("Card number").fill(GOOD)
    page.get_by_role("button", name=re.compile("^Pay ")).click()


def comes(page: Page, text: str) -> None:
    """Loads the page until the provider's message has come: it may be late, or be asked for."""
    for _time in range(40):
        if page.get_by_text(text).count():
            return
        page.wait_for_timeout(2000)
        page.reload()
    raise AssertionError(f"{text} did not come")


def test_a_resident_books_and_pays_and_an_officer_sees_it(phone: Page, desktop: Page, demo: Demo) -> None:
    day = free_day(demo, "harbour", 40)
    signed_in(phone, demo, "resident@demo.example")
    phone.goto("/house/")
    expect(phone.get_by_role("heading", name="Harbour room")).to_be_visible()
    keep(phone, "house-home")
    phone.goto(f"/house/rooms/harbour/?day={day}")
    assert faults_here(phone) == []
    keep(phone, "house-week")
    phone.locator(f'[aria-labelledby="day-{day}"] .house-slots a').nth(2).click()
    phone.get_by_label("For how long").select_option("2")
    phone.get_by_label("How many people").fill("6")
    phone.get_by_label("What for").fill("Choir of the harbour")
    keep(phone, "house-book")
    phone.get_by_role("button", name="Hold it for ten minutes and pay").click()
    expect(phone).to_have_url(re.compile(r"/house/bookings/\d+/$"))
    booking = phone.url
    keep(phone, "house-held")
    pays(phone)
    phone.goto(booking)
    comes(phone, "Into your calendar")
    assert faults_here(phone) == []
    keep(phone, "house-confirmed")
    phone.goto("/inbox/")
    expect(phone.get_by_text("The room is yours: Harbour room").first).to_be_visible()
    signed_in(desktop, demo, "house-rooms@demo.example")
    desktop.goto(f"/house/desk/?day={day}")
    row = desktop.locator(".house-row", has_text="Choir of the harbour")
    expect(row).to_contain_text("confirmed")
    assert faults_here(desktop) == []
    keep(desktop, "house-desk")
    row.get_by_text("Cancel", exact=True).click()
    row.get_by_label("Why").fill("A pipe has burst.")
    row.get_by_role("button", name="Cancel it").click()
    expect(desktop.get_by_text("Cancelled. Who booked it was told.")).to_be_visible()
    phone.goto(booking)
    expect(phone.get_by_text("A pipe has burst.")).to_be_visible()
    expect(phone.get_by_text("Given back")).to_be_visible()


def test_bought_fetched_and_undone(phone: Page, desktop: Page, demo: Demo) -> None:
    signed_in(phone, demo, "resident@demo.example")
    phone.goto("/house/shop/")
    assert faults_here(phone) == []
    keep(phone, "house-shop")
    phone.get_by_label("How many: City map on paper").fill("2")
    phone.get_by_role("button", name="To the bill").click()
    expect(phone).to_have_url(re.compile(r"/house/orders/\d+/$"))
    order = phone.url
    pays(phone)
    phone.goto(order)
    comes(phone, "say this code")
    code = phone.locator(".house-code").inner_text()
    keep(phone, "house-order")
    signed_in(desktop, demo, "house-counter@demo.example")
    desktop.goto("/house/desk/orders/")
    desktop.get_by_label("Code").fill(code.lower())
    desktop.get_by_role("button", name="Find").click()
    assert faults_here(desktop) == []
    keep(desktop, "house-counter")
    desktop.get_by_role("button", name="Hand out").click()
    desktop.get_by_role("button", name="Undo").click()
    expect(desktop.get_by_role("button", name="Hand out")).to_be_visible()
