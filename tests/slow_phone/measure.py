"""Opens the front page as a phone does that was never there, and counts what comes over the network."""

from __future__ import annotations

import re
from typing import Any, TypedDict

import httpx
from playwright.sync_api import Browser, BrowserContext, Page, Request

PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
SLOW = {"offline": False, "latency": 400, "downloadThroughput": 50_000, "uploadThroughput": 50_000}
"""400 kbit/s each way, 400 ms for each answer to begin."""
MAP = re.compile(r"/assets/map-[\w-]+\.js$")
PATIENCE_MS = 120_000
QUIET_MS = 1_500
"""The network is quiet when nothing was asked for or came for so long."""
WATCH = """
    addEventListener('DOMContentLoaded', () => {
        const awake = () => document.querySelector('[data-combobox][data-awake]')
        const look = () => { if (awake()) { window.usable ??= performance.now(); seen.disconnect() } }
        const seen = new MutationObserver(look)
        seen.observe(document, { subtree: true, attributes: true, attributeFilter: ['data-awake'] })
        look()
    })
"""
TEXT = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime"


class Measured(TypedDict):
    """Milliseconds from the press on the address until the first text, and until the search can be used; kilobytes."""

    first_text_ms: int
    useful_ms: int
    home_kb_before_map: float
    home_kb: float


class Wire:
    """What came over the network: bytes as they were sent, heads and packing included."""

    def __init__(self, context: BrowserContext) -> None:
        self._finished: list[Request] = []
        self._known: dict[Request, int] = {}
        context.on("requestfinished", lambda request: self._finished.append(request))

    def came(self) -> dict[str, int]:
        """Bytes by address. A stream that stays open is not among them."""
        found: dict[str, int] = {}
        for request in self._finished:
            if request.url.startswith("http"):
                found[request.url] = found.get(request.url, 0) + self._length(request)
        return found

    def kilobytes(self) -> float:
        return round(sum(self.came().values()) / 1000, 1)

    def _length(self, request: Request) -> int:
        if request not in self._known:
            sizes = request.sizes()
            # The browser does not tell how long a worker's own script was: it is asked for once more.
            body = sizes["responseBodySize"] or _packed(request.url)
            self._known[request] = sizes["responseHeadersSize"] + body
        return self._known[request]


def _packed(url: str) -> int:
    """How long a body is as it is sent to a browser."""
    with httpx.stream("GET", url, headers={"Accept-Encoding": "br, gzip"}, timeout=60) as answer:
        return sum(len(part) for part in answer.iter_raw())


def measure(browser: Browser, address: str, *, slow: bool = True) -> tuple[Measured, dict[str, int]]:
    """The front page of a city at an address, with the cache cold; `slow`: over the network of a slow phone.

    The second is what came, bytes by address.
    """
    # What is kept for later by a service worker is asked for once the page is there.
    context = browser.new_context(base_url=address, reduced_motion="reduce", service_workers="block", **PHONE)
    context.set_default_timeout(PATIENCE_MS)
    try:
        # A browser's first page of all is drawn late, whatever the network.
        page, wire = context.new_page(), Wire(context)
        page.goto("data:text/html,<p>Warm")
        if slow:
            page.context.new_cdp_session(page).send("Network.emulateNetworkConditions", SLOW)
        page.add_init_script(WATCH)
        page.goto("/", wait_until="load", timeout=PATIENCE_MS)
        page.wait_for_function("window.usable")
        _quiet(page, wire)
        early = [url for url in wire.came() if MAP.search(url)]
        if early:
            raise AssertionError(f"the map's library came before anybody saw the map: {early}")
        before = wire.kilobytes()
        text, usable = page.evaluate(f"[({TEXT})(), window.usable]")
        page.locator("city-map").scroll_into_view_if_needed()
        page.locator("city-map[data-idle]").wait_for()
        _quiet(page, wire)
        return Measured(
            first_text_ms=round(text), useful_ms=round(usable), home_kb_before_map=before, home_kb=wire.kilobytes()
        ), wire.came()
    finally:
        context.close()


def _quiet(page: Page, wire: Wire) -> None:
    """Waits until nothing more comes; a stream that stays open is not waited for."""
    known = -1.0
    while known != (now := wire.kilobytes()):
        known = now
        page.wait_for_timeout(QUIET_MS)
