"""A dispatcher signs in and sees the fleet at work; nobody else does."""

from __future__ import annotations

import subprocess
import sys

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import ROOT, SCREENSHOTS, Demo, outside
from tests.e2e.test_accessibility import faults

pytestmark = pytest.mark.browser
EMAIL, PASSWORD = "dispatcher@example.org", "a-long-enough-secret-7"
APPOINT = f"""
from allauth.account.models import EmailAddress
from cityhall.kernel.people.actors import system
from cityhall.kernel.people.models import Person
from cityhall.kernel.people.permissions import grant
person = Person.objects.create_user("{EMAIL}", "{PASSWORD}")
EmailAddress.objects.create(user=person, email=person.email, primary=True, verified=True)
grant(system("test"), person, "transit.dispatcher")
"""
PAGES = ("/transit/control/", "/transit/control/lines/?line=10", "/transit/control/quality/")


@pytest.fixture(scope="session")
def appointed(demo: Demo) -> str:
    """Somebody whom the city has made a dispatcher."""
    command = [sys.executable, "-m", "cityhall.cli", "manage", "--city", "demo", "--data", str(demo.data)]
    subprocess.run([*command, "shell", "-c", APPOINT], env=outside(), cwd=ROOT, check=True, timeout=120)
    return EMAIL


def sign_in(page: Page) -> None:
    page.goto("/accounts/login/")
    page.locator("main summary").first.click()
    page.get_by_label("E-mail", exact=True).fill(EMAIL)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in with the password").click()
    page.wait_for_url("**/work/")


def keep(page: Page, name: str) -> None:
    """Keeps a screenshot as it is: a map on which a whole fleet moves is never idle."""
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png")


def wake(page: Page) -> None:
    """The fleet room with at least five vehicles in it: the tracker takes a while after the city's first start."""
    page.goto("/transit/control/")
    expect(page.locator("[data-fleet][data-open='1']")).to_be_attached()
    expect(page.locator(".fleet tbody tr:nth-child(5)")).to_be_visible(timeout=120_000)


def test_the_fleet_as_it_moves(desktop: Page, appointed: str) -> None:
    sign_in(desktop)
    wake(desktop)
    rows = desktop.locator(".fleet tbody tr:visible")
    places = "(rows) => rows.map((row) => row.dataset.vehicle + row.dataset.at)"
    before = set(rows.evaluate_all(places))
    desktop.wait_for_timeout(8000)
    assert set(rows.evaluate_all(places)) - before, "no row has changed"
    # What is chosen is what is shown, and the count says how many there are.
    on_a_line = desktop.locator(".fleet tbody tr:visible:not([data-line=''])").first
    line = on_a_line.get_attribute("data-line") or ""
    desktop.get_by_label("Line", exact=True).select_option(line)
    shown = rows.evaluate_all("(rows) => rows.map((row) => row.dataset.line)")
    assert shown and set(shown) == {line}
    desktop.get_by_label("Line", exact=True).select_option("")
    desktop.get_by_role("button", name="Vehicle").click()
    desktop.wait_for_timeout(1200)
    names = rows.evaluate_all("(rows) => rows.map((row) => row.dataset.vehicle)")
    assert names == desktop.evaluate(
        "(names) => [...names].sort((a, b) => a.localeCompare(b, undefined, { numeric: true }))", names
    )
    keep(desktop, "fleet-room")


def test_with_the_keyboard_alone(desktop: Page, appointed: str) -> None:
    sign_in(desktop)
    wake(desktop)
    desktop.get_by_role("button", name="Vehicle").click()
    desktop.keyboard.press("/")
    expect(desktop.get_by_label("Find a vehicle")).to_be_focused()
    desktop.keyboard.press("ArrowDown")
    desktop.keyboard.press("ArrowDown")
    second = desktop.locator(":focus").inner_text()
    desktop.keyboard.press("Enter")
    expect(desktop.get_by_role("heading", level=1)).to_contain_text(second)
    assert faults(desktop, f"/transit/control/vehicles/{second}/") == []
    keep(desktop, "fleet-vehicle")


def test_no_page_shuts_anybody_out(desktop: Page, phone: Page, appointed: str) -> None:
    for page, width in ((desktop, 1280), (phone, 390)):
        sign_in(page)
        wake(page)
        for path in PAGES:
            assert faults(page, path) == [], path
            name = path.strip("/").replace("/", "-").split("?")[0]
            wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert wide <= 0, f"{path} is {wide} px wider than the screen"
            keep(page, f"{name}-{width}")


def test_nobody_else_comes_in(desktop: Page) -> None:
    desktop.goto("/transit/control/lines/?line=20")
    # Who signs in comes to where they wanted to go.
    assert desktop.url.endswith("/accounts/login/?next=/transit/control/lines/%3Fline%3D20")
    answer = desktop.request.get("/transit/control/")
    assert answer.status == 403
