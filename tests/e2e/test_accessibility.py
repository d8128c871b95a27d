"""No page has a serious fault that axe-core knows of (WCAG 2.2 A and AA), light or dark, wide or narrow."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import ROOT, keep

pytestmark = pytest.mark.browser
AXE = ROOT / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
RUN = """async () => (await axe.run(document, {
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
})).violations.map(({id, impact, help, nodes}) => ({id, impact, help, where: nodes.map((n) => n.html).slice(0, 5)}))"""
PAGES = {
    "home": "/",
    "planner": "/transit/",
    "journeys": "/transit/?from=University&to=Port&time=08:00",
    "same-place": "/transit/?from=University&to=University",
    "lines": "/transit/lines/",
    "line": "/transit/lines/T1/",
    "stop": "/transit/stops/{stop}/",
    "stop-timetable": "/transit/stops/{stop}/?date=2030-01-01&time=08:00",
    "board": "/transit/stops/{stop}/board/",
    "buses": "/transit/buses/",
    "favourites": "/transit/favourites/",
    "reports": "/reports/",
    "report-form": "/reports/new/",
    "reports-sent": "/reports/sent/",
    "reports-agencies": "/reports/agencies/",
    "call-for-help": "/safety/",
    "call-followed": "/safety/follow/",
    "design": "/design/",
    "offline": "/offline/",
    "mine": "/mine/",
    "services": "/services/",
    "search": "/search/",
    "help": "/help/",
    "about": "/about/",
    "contact": "/contact/",
    "privacy": "/privacy/",
    "accessibility": "/accessibility/",
    "not-found": "/there/is/no/such/page/",
    "api": "/api/docs",
    "sign-in": "/accounts/login/",
    "sign-up": "/accounts/signup/",
    "forgotten": "/accounts/password/reset/",
    "code": "/accounts/login/code/",
}


def faults(page: Page, path: str) -> list[dict[str, object]]:
    answer = page.goto(path)
    assert answer is not None and answer.status == (404 if "no/such" in path else 200)
    page.wait_for_timeout(600)
    return faults_here(page)


def faults_here(page: Page) -> list[dict[str, object]]:
    """Those of the page as it is now."""
    page.evaluate(Path(AXE).read_text())
    found: list[dict[str, object]] = page.evaluate(RUN)
    return [fault for fault in found if fault["impact"] in ("serious", "critical")]


def check(page: Page, name: str, path: str) -> None:
    if "{stop}" in path:
        page.goto("/transit/lines/T1/")
        stop = (page.locator(".diagram-stop a").first.get_attribute("href") or "").split("/")[3]
        path = path.replace("{stop}", stop)
    assert faults(page, path) == []
    keep(page, f"{name}-{page.viewport_size['width']}")  # type: ignore[index]
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"{path} is {wide} px wider than the screen"


@pytest.mark.parametrize(("name", "path"), PAGES.items(), ids=PAGES)
def test_wide_and_light(desktop: Page, name: str, path: str) -> None:
    check(desktop, name, path)


NO_LINK_LEADS_THERE = ("home", "journeys", "same-place", "stop-timetable", "board", "design", "offline", "not-found")
"""And the first page. All that links lead to are looked at in the dark by test_contract.py."""


@pytest.mark.parametrize("name", NO_LINK_LEADS_THERE)
def test_narrow_and_dark(phone: Page, name: str) -> None:
    check(phone, name, PAGES[name])


@pytest.mark.parametrize("width", [320, 390])
@pytest.mark.parametrize("colours", ["light", "dark"])
def test_the_sheet_of_a_search(phone: Page, width: int, colours: Literal["light", "dark"]) -> None:
    """On a phone the one search and its answers fill the screen; nothing in them is cut off."""
    phone.set_viewport_size({"width": width, "height": 740})
    phone.emulate_media(color_scheme=colours)
    phone.goto("/")
    box = phone.get_by_role("combobox", name="What do you need?", exact=True)
    box.click()
    expect(phone.get_by_role("dialog", name="What do you need?")).to_be_visible()
    expect(phone.get_by_text("Type what you need")).to_be_visible()
    assert faults_here(phone) == []
    box.fill("station")
    answers = phone.locator("[role=listbox]:not([hidden]) [role=option]")
    expect(answers.first).to_be_visible()
    assert faults_here(phone) == []
    keep(phone, f"sheet-{colours}-{width}", drawn=False)
    cut = answers.evaluate_all("all => all.filter((one) => one.scrollWidth > one.clientWidth).length")
    assert cut == 0, f"{cut} answers are cut off"
    phone.keyboard.press("Escape")
    expect(phone.get_by_role("dialog")).to_have_count(0)
    expect(box).to_be_focused()


JOURNEYS = "/transit/?from=University&to=Port&time=17:00"
SMALL = (
    *("/", "/map/", JOURNEYS, "/reports/", "/reports/new/", "/transit/", "/transit/lines/T1/", "/accounts/login/"),
    "/safety/",
)
LARGE = "addEventListener('DOMContentLoaded', () => (document.documentElement.style.fontSize = '200%'))"


@pytest.mark.parametrize(("width", "height"), [(360, 740), (1280, 800)])
@pytest.mark.parametrize("large", [False, True], ids=["", "text-200"])
def test_nobody_scrolls_sideways(desktop: Page, width: int, height: int, large: bool) -> None:
    """On the smallest phone that is sold and with text twice as large (WCAG 2.2, 1.4.4)."""
    desktop.set_viewport_size({"width": width, "height": height})
    if large:
        desktop.add_init_script(LARGE)
    for path in SMALL:
        desktop.goto(path)
        desktop.wait_for_timeout(300)
        wide = desktop.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{path} is {wide} px wider than the screen"
