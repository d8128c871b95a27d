"""A crew's telephone loses its network for half a round: nothing that was done is lost, and nothing counts twice."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import Page, Route, expect

from tests.e2e.conftest import PATIENCE_MS, Demo, enter, keep
from tests.e2e.test_accessibility import faults_here
from tests.e2e.test_house import signed_in

pytestmark = pytest.mark.browser
CREW, RESIDENT = "recycling-crew@demo.example", "resident@demo.example"
PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
KEPT = "caches.open('cityhall-own-round-1').then((cache) => cache.keys()).then((all) => all.map(({ url }) => url))"


def asked(resident: httpx.Client) -> dict[str, Any]:
    """A pickup in the last window that there is: the demo's own crew drives the first ones."""
    place = resident.get("/api/recycling/drop-points").json()[0]
    where = {"lon": place["lon"], "lat": place["lat"]}
    begin = resident.get("/api/recycling/windows", params=where).json()[-1]["begin"]
    wish = {"materials": [{"material": "paper", "grams": 4000}], "address": "Square of the Town Hall 1", **where}
    headers = {"X-CSRFToken": resident.cookies["csrftoken"]}
    made = resident.post("/api/recycling/pickups", json=wish | {"begin": begin, "key": str(uuid4())}, headers=headers)
    return dict(made.raise_for_status().json())


def kept(phone: Page, fits: Callable[[list[str]], bool]) -> None:
    """Waits until the pages that are at hand without a network are as they should be."""
    until = time.monotonic() + PATIENCE_MS / 1000
    while not fits(found := phone.evaluate(KEPT)):
        assert time.monotonic() < until, found
        phone.wait_for_timeout(100)


def sign(phone: Page) -> None:
    """Draws a line with a finger."""
    pad = phone.locator("canvas")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box
    phone.mouse.move(box["x"] + 20, box["y"] + 20)
    phone.mouse.down()
    phone.mouse.move(box["x"] + 120, box["y"] + 70, steps=5)
    phone.mouse.up()


def weigh_without_network(phone: Page, page: str) -> None:
    phone.goto(page)
    expect(phone.locator("[data-kept-page]")).to_be_visible()
    phone.get_by_role("button", name="We are on our way").click()
    expect(phone.get_by_text("Set out: kept on this phone until there is a network")).to_be_visible()
    expect(phone.get_by_role("button", name="We are on our way")).to_be_hidden()
    phone.get_by_role("button", name="We are there").click()
    expect(phone.get_by_text("Arrived: kept on this phone")).to_be_visible()
    phone.get_by_role("button", name="Simulated scale").click()
    phone.get_by_role("button", name="Take the weight for Paper").click()
    expect(phone.locator("#kg-paper")).to_have_value("4.25")
    phone.get_by_label("Who was there").select_option("signed")
    sign(phone)
    phone.set_input_files("#photo", {"name": "scale.png", "mimeType": "image/png", "buffer": PICTURE})
    assert faults_here(phone) == []
    keep(phone, "recycling-stop-offline")
    phone.get_by_role("button", name="That is the weight").click()
    expect(phone.get_by_text("Weighed: 4.25 kg: kept on this phone")).to_be_visible()


def test_a_round_without_a_network_counts_once(phone: Page, demo: Demo) -> None:
    with httpx.Client(base_url=demo.address, timeout=60, follow_redirects=True) as resident:
        enter(resident, demo, RESIDENT)
        pickup, missed = asked(resident), asked(resident)
        before = resident.get("/api/recycling/points").json()["balance"]
        page, other = (f"/recycling/round/{one['id']}/" for one in (pickup, missed))
        of_day = f"/recycling/round/?day={pickup['begin'][:10]}"
        signed_in(phone, demo, CREW)
        phone.goto("/recycling/round/")
        phone.evaluate("() => navigator.serviceWorker.ready")
        # What the page of a day names is kept ahead, before anybody opens it.
        phone.goto(of_day)
        ours = (page, other, of_day, "/recycling/round/")
        kept(phone, lambda found: all(any(url.endswith(path) for url in found) for path in ours))
        phone.context.set_offline(True)
        weigh_without_network(phone, page)
        phone.goto(page)
        expect(phone.get_by_text("This stop is done, as far as this phone knows.")).to_be_visible()
        expect(phone.get_by_role("button", name="That is the weight")).to_be_hidden()
        phone.goto(of_day)
        mark = phone.locator(f"[data-stop-mark='{pickup['id']}']")
        expect(mark).to_have_text("on this phone")
        keep(phone, "recycling-round-offline")
        # The city gets it, and its answer is lost on the way: the telephone sends it once more.
        lost: list[int] = []

        def lose(route: Route) -> None:
            lost.append(route.fetch().status)
            route.abort()

        phone.route("**/api/recycling/weighings/pictured", lose, times=1)
        phone.context.set_offline(False)
        phone.wait_for_timeout(3000)
        expect(mark).to_have_text("on this phone")
        phone.context.set_offline(True)
        phone.context.set_offline(False)
        expect(mark).to_have_text("received")
        assert lost == [200]
        now = {one["id"]: one for one in resident.get("/api/recycling/pickups").json()}[pickup["id"]]
        assert now["state"] == "weighed" and now["weighing"]
        # 4.25 kg at 24.
        assert resident.get("/api/recycling/points").json()["balance"] == before + 102
        shown = resident.get(f"/recycling/pickups/{pickup['id']}/").text
        assert "Photo of the scale" in shown and 'alt="Signature"' in shown
        a_session_that_is_over_keeps_what_was_done(phone, demo, other)
        states = {one["id"]: one["state"] for one in resident.get("/api/recycling/pickups").json()}
        assert states[missed["id"]] == "missed"
    phone.goto("/accounts/logout/")
    phone.locator("main").get_by_role("button", name="Sign out").click()
    phone.wait_for_url(lambda url: "logout" not in url)
    kept(phone, lambda found: not found)


def a_session_that_is_over_keeps_what_was_done(phone: Page, demo: Demo, page: str) -> None:
    phone.goto(page)
    phone.context.clear_cookies(name="sessionid")
    phone.get_by_text("Not collected", exact=True).first.click()
    phone.get_by_label("nobody opened").check()
    phone.get_by_role("button", name="Not collected").click()
    # The page of the round asks to sign in.
    phone.wait_for_url("**/accounts/login/**")
    kept(phone, lambda found: not found)
    signed_in(phone, demo, CREW)
    phone.goto(page)
    expect(phone.locator("[data-stop-mark]")).to_have_text("received")


def test_a_stop_by_keyboard_in_large_letters(desktop: Page, demo: Demo) -> None:
    with httpx.Client(base_url=demo.address, timeout=60, follow_redirects=True) as resident:
        enter(resident, demo, RESIDENT)
        pickup = asked(resident)
    signed_in(desktop, demo, CREW)
    desktop.set_viewport_size({"width": 360, "height": 740})
    desktop.goto(f"/recycling/round/{pickup['id']}/")
    desktop.add_style_tag(content="html { font-size: 200% !important }")
    assert desktop.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert faults_here(desktop) == []
    keep(desktop, "recycling-stop-large")
    desktop.get_by_role("button", name="Simulated scale").focus()
    desktop.keyboard.press("Enter")
    take = desktop.get_by_role("button", name="Take the weight for Paper")
    expect(take).to_be_enabled()
    take.focus()
    desktop.keyboard.press("Enter")
    expect(desktop.locator("#kg-paper")).to_have_value("4.25")
    desktop.get_by_label("Who was there").select_option("signed")
    desktop.get_by_label("Their name, as they signed").focus()
    desktop.keyboard.type("Ana")
    # What is wrong is said where one reads it, and nothing is lost.
    desktop.locator("#kg-glass").fill("much")
    desktop.get_by_role("button", name="That is the weight").focus()
    desktop.keyboard.press("Enter")
    expect(desktop.get_by_text("This is no weight. Write kilograms, as 3.25.")).to_be_visible()
    desktop.locator("#kg-glass").fill("")
    desktop.get_by_role("button", name="That is the weight").focus()
    desktop.keyboard.press("Enter")
    expect(desktop.get_by_text("Weighed: 4.25 kg", exact=True)).to_be_visible()
