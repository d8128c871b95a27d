"""What every page of every service keeps to, found by following links as people do: a new page is held to it by itself.

Source: WCAG 2.2, 1.4.4 Resize Text, 1.4.10 Reflow, 2.5.5 Target Size (Enhanced), 4.1.3 Status Messages.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence, Set
from html import unescape
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
from django.urls import Resolver404, resolve
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import Demo, accounts, enter, keep
from tests.e2e.test_accessibility import AXE, RUN

pytestmark = pytest.mark.browser
LINK = re.compile(r'<a[^>]*\shref="([^"#]+)"')
NO_PAGE = re.compile(r"^/(api|admin|static|live)/|/logout/|\.(zip|json|geojson|ttl|xml|pb|parquet)$|/ogc/|/open311/")
DESK = re.compile(r"desk|control|office|treasury|work/|data-sets|map/screen|/board/|vehicles/|history|agencies|design")
"""Pages of officers, tables of numbers and boards for a wall: they need 320 pixels, residents' pages 195."""
MOST = 240
WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
SMALL_TARGETS = """() => {
  const seen = (one) => one.checkVisibility({ opacityProperty: true, visibilityProperty: true })
  const inText = (one) => getComputedStyle(one).display === 'inline'
      && [...one.parentElement.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim().length > 1)
  const box = (one) => (one.matches('input[type=checkbox], input[type=radio]') && one.closest('label')) || one
  return [...document.querySelectorAll('a[href], button, select, summary, input:not([type=hidden])')]
    .filter((one) => !one.closest('.maplibregl-map, .skip, .visually-hidden') && seen(one) && !inText(one))
    .filter((one) => { const { width, height } = box(one).getBoundingClientRect(); return width > 1 && height < 43.5 })
    .map((one) => `${one.tagName.toLowerCase()} ${(one.textContent || one.name).trim().slice(0, 30)}`
        + ` ${Math.round(box(one).getBoundingClientRect().height)}`)
}"""
LONG_STATUS = """() => [...document.querySelectorAll('[role=status], [role=alert], [aria-live]:not([aria-live=off])')]
  .filter((one) => one.checkVisibility() && one.innerText.trim().length > 120)
  .map((one) => one.innerText.slice(0, 60))"""


BEGIN = ("/", "/services/", "/mine/", "/search/?q=port", "/work/")


def crawl(
    demo: Demo, cookies: dict[str, str], begin: Sequence[str] = BEGIN, passed: Set[str] = frozenset()
) -> dict[str, str]:
    """One page of each address pattern that links lead to from where they begin, by its pattern.

    Patterns that are `passed` are not opened: what an officer comes to, their own desks lead to.
    """
    found: dict[str, str] = {}
    waiting = list(begin)
    with httpx.Client(base_url=demo.address, timeout=60, cookies=cookies, follow_redirects=True) as browser:
        while waiting and len(found) < MOST:
            path = waiting.pop(0)
            name = pattern(path)
            if name is None or name in found or (name in passed and path not in begin):
                continue
            answer = browser.get(path)
            if answer.status_code != 200 or "text/html" not in answer.headers["Content-Type"]:
                continue
            found[name] = path
            waiting += [urljoin(path, unescape(link)) for link in LINK.findall(answer.text)]
    return found


def pattern(path: str) -> str | None:
    """The address pattern of a page; None for what is none of ours or no page."""
    parts = urlsplit(path)
    if parts.netloc or NO_PAGE.search(parts.path):
        return None
    try:
        return str(resolve(parts.path).route)
    except Resolver404:
        return None


@pytest.fixture
def small(chromium: Browser, demo: Demo) -> Iterator[Page]:
    """A phone with a finger, in Spanish: its words are the longest. In the dark, where colours fail first."""
    context = chromium.new_context(
        base_url=demo.address,
        locale="es",
        viewport={"width": 320, "height": 640},
        has_touch=True,
        is_mobile=False,
        color_scheme="dark",
        reduced_motion="reduce",
    )
    context.set_default_timeout(30_000)
    yield context.new_page()
    context.close()


def faults(page: Page, path: str) -> list[str]:
    page.set_viewport_size({"width": 320, "height": 640})
    page.goto(path, wait_until="load")
    found = [f"{path}: {one}" for one in page.evaluate(SMALL_TARGETS)]
    found += [f"{path}: a status of more than 120 characters: {one}" for one in page.evaluate(LONG_STATUS)]
    page.evaluate(AXE.read_text())
    found += [f"{path}: {one}" for one in page.evaluate(RUN) if one["impact"] in ("serious", "critical")]
    widths = (320,) if DESK.search(path) else (320, 195)
    for width in widths:
        page.set_viewport_size({"width": width, "height": 640})
        if (wide := page.evaluate(WIDE)) > 0:
            found.append(f"{path}: {wide} px wider than {width}")
    page.set_viewport_size({"width": 640, "height": 640})
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    if (wide := page.evaluate(WIDE)) > 0:
        found.append(f"{path}: {wide} px wider than 640 with text of 200 %")
    return found


def test_every_page_that_anybody_finds(small: Page, demo: Demo) -> None:
    pages = crawl(demo, {})
    assert len(pages) > 25
    assert [fault for path in pages.values() for fault in faults(small, path)] == []


def test_every_page_that_only_officers_find(small: Page, demo: Demo) -> None:
    """Each role's pages, seen by the first account of the demo that comes to them."""
    seen = set(crawl(demo, {}))
    count, found = 0, list[str]()
    for email in accounts(demo):
        with httpx.Client(base_url=demo.address, timeout=60, follow_redirects=True) as browser:
            enter(browser, demo, email)
            session = browser.cookies["sessionid"]
        own = crawl(demo, {"sessionid": session}, ("/", "/mine/", "/work/"), seen)
        pages = {name: path for name, path in own.items() if name not in seen}
        small.context.add_cookies([{"name": "sessionid", "value": session, "url": demo.address}])
        found += [f"{email} {fault}" for path in pages.values() for fault in faults(small, path)]
        seen |= set(pages)
        count += len(pages)
    assert count >= 20
    assert found == []


def test_a_tap_on_a_suggestion_takes_it(small: Page, demo: Demo) -> None:
    """With a finger, not a mouse, on every list that any page has: never the link that lies under it."""
    lists = 0
    line = httpx.get(f"{demo.address}/transit/lines/T1/", timeout=60).text
    stop = re.search(r"/transit/stops/[^/\"]+/", line)
    assert stop
    for path in ("/", "/transit/", "/search/", "/reports/new/", stop[0]):
        small.goto(path)
        for nth in range(small.locator("main [data-combobox]").count()):
            small.goto(path)
            root = small.locator("main [data-combobox]").nth(nth)
            field = root.get_by_role("combobox")
            if not field.is_visible():
                continue
            field.tap()
            field.fill("port")
            first = root.get_by_role("option").first
            expect(first).to_be_visible()
            name = first.locator("span, b").first.inner_text()
            goes = root.get_attribute("data-mode") == "go"
            first.tap()
            if goes:
                expect(small).not_to_have_url(re.compile(f"{re.escape(path)}$"))
            else:
                expect(field).to_have_value(re.compile(re.escape(name.split("\n")[0])))
                expect(small).to_have_url(re.compile(re.escape(path)))
            lists += 1
    assert lists >= 5


def test_a_city_of_thirteen_services(small: Page) -> None:
    """The bar has five places however many services there are, and nothing is wider than the screen."""
    small.goto("/services/")
    card = "[data-service]"
    many = small.evaluate(
        """one => { const cards = [...document.querySelectorAll(one)]
        for (let n = cards.length; n < 13; n++) cards.at(-1).after(cards[n % cards.length].cloneNode(true))
        return document.querySelectorAll(one).length }""",
        card,
    )
    assert many >= 13
    assert small.locator("nav.places a:visible").count() == 5
    for width in (195, 320, 390, 1440):
        small.set_viewport_size({"width": width, "height": 800})
        assert small.evaluate(WIDE) <= 0, width
        keep(small, f"thirteen-{width}")
