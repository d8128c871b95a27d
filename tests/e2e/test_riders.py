"""A rider in a browser: the buses on the map, a stop's page, a trip that is followed, favourites, the board."""

from __future__ import annotations

import re

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Demo, keep

pytestmark = pytest.mark.browser
LIVE = "[...document.querySelector('city-map').live.values()][0]"


WARM_MS = 150_000
"""A city just started has no bus on its map before the tracker's kernels are compiled."""


def with_buses(page: Page) -> None:
    page.goto("/")
    expect(page.locator("city-map")).to_have_attribute("data-moving", re.compile(r"[1-9]\d*"), timeout=WARM_MS)


def first_stop(page: Page) -> str:
    page.goto("/transit/lines/T1/")
    return page.locator(".diagram-stop a").nth(4).get_attribute("href") or ""


def test_a_bus_is_pressed_and_its_panel_goes_on(desktop: Page, demo: Demo) -> None:
    """The panel is the server's words, counts on, and is asked for again."""
    with_buses(desktop)
    desktop.evaluate(
        f"""() => {{ const live = {LIVE}; const seen = [...live.known.values()][0];
        document.querySelector('city-map').map.jumpTo({{ center: seen.feature.geometry.coordinates, zoom: 15.5 }});
        live.open(seen.feature, seen.feature.geometry.coordinates) }}"""
    )
    panel = desktop.locator(".moving-popup .bus-panel")
    expect(panel).to_contain_text(re.compile(r"last heard \d+ s ago"))
    with desktop.expect_response(re.compile(r"/transit/buses/.*part=1")):
        desktop.wait_for_timeout(5500)
    expect(panel).to_be_visible()
    keep(desktop, "bus-panel")


def test_the_map_moves_a_bus_between_two_reports(desktop: Page) -> None:
    desktop.emulate_media(reduced_motion="no-preference")
    with_buses(desktop)
    # A bus at three places while its last report stays the same one, however slowly a busy machine draws.
    desktop.wait_for_function(
        f"""() => {{ const live = {LIVE}; const shown = window.shown ??= new Map();
        const drawn = live.map.getSource('transit/vehicles').serialize().data.features;
        return drawn.some(({{ id, properties, geometry }}) => {{
          const heard = live.known.get(id ?? properties.id)?.seen;
          const key = `${{id ?? properties.id}} ${{heard}}`;
          if (!shown.has(key)) shown.set(key, new Set());
          return heard && shown.get(key).add(String(geometry.coordinates)).size >= 3 }}) }}"""
    )


def test_a_stop_where_it_goes_and_back_to_favourites(phone: Page) -> None:
    """From a stop to the best options there, and the stop among this browser's favourites, without an account."""
    phone.goto(first_stop(phone))
    expect(phone.get_by_role("heading", name="Next departures")).to_be_visible()
    star = phone.locator("form[data-favourite]").first.get_by_role("button")
    star.click()
    expect(star).to_have_attribute("aria-pressed", "true")
    name = phone.get_by_role("heading", level=1).inner_text()
    phone.get_by_role("combobox", name="Where to?").fill("port")
    phone.locator("[role=listbox]:not([hidden]) [role=option]").first.click()
    expect(phone.locator("#results details.option").first).to_be_visible()
    keep(phone, "stop-options")
    phone.goto("/transit/favourites/")
    expect(phone.locator("[data-favourites-list] a")).to_have_text(re.sub(r"\s+", " ", name))
    phone.get_by_role("button", name=re.compile("^Remove")).click()
    expect(phone.locator("[data-favourites-none]")).to_be_visible()
    phone.get_by_role("button", name="Undo").click()
    expect(phone.locator("[data-favourites-list] a")).to_have_count(1)


def test_a_trip_is_followed_at_its_own_address(desktop: Page, phone: Page) -> None:
    desktop.goto("/transit/?from=University&to=Port")
    desktop.get_by_role("button", name="Follow this journey").first.click()
    expect(desktop).to_have_url(re.compile("/transit/trips/"))
    expect(desktop.get_by_role("heading", level=1)).to_have_text("Your trip to Port")
    expect(desktop.locator(".step-now")).to_be_visible()
    keep(desktop, "trip")
    # Another device with the address, nobody signed in: it sees the same, and may end it.
    phone.goto(desktop.url)
    expect(phone.locator(".legs .leg").first).to_be_visible()
    phone.get_by_role("button", name="Stop following").click()
    expect(phone.get_by_text("The trip is forgotten.")).to_be_visible()
    answer = desktop.reload()
    assert answer is not None and answer.status == 404


def test_the_board_outlives_the_network(desktop: Page, demo: Demo) -> None:
    stop = first_stop(desktop)
    desktop.goto(f"{stop}board/")
    expect(desktop.locator("html")).to_have_attribute("data-theme", "dark")
    expect(desktop.locator(".board-rows tbody tr").first).to_be_visible()
    keep(desktop, "board")
    before = desktop.locator(".board-updated").inner_text()
    desktop.context.set_offline(True)
    lost = desktop.locator("[data-refresh-lost]")
    expect(lost).to_be_visible(timeout=25_000)
    expect(lost).to_contain_text(re.compile(r"No connection\. Shown is what was known at \d\d:\d\d"))
    assert desktop.locator(".board-rows tbody tr").count() > 0
    desktop.context.set_offline(False)
    expect(lost).to_be_hidden(timeout=25_000)
    expect(desktop.locator(".board-updated")).not_to_have_text(before)


def test_what_riders_see_programs_see_too(desktop: Page, demo: Demo) -> None:
    with_buses(desktop)
    buses = httpx.get(f"{demo.address}/api/transit/vehicles", timeout=60).json()
    assert buses and all(-180 <= bus["lon"] <= 180 for bus in buses)
    line = httpx.get(f"{demo.address}/api/transit/lines/T1/now", timeout=60).json()
    assert line[0]["stops"]
    found = httpx.get(f"{demo.address}/api/transit/stops/{line[0]['stops'][2]['id']}/arrivals", timeout=60).json()
    assert found == sorted(found, key=lambda one: one["expected"])
