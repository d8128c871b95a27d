"""The one map in a real browser: layers, charts, table, replay, comparison, views, a wall screen, one's own data."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import ROOT, SCREENSHOTS, Demo, outside
from tests.e2e.test_accessibility import AXE, RUN

pytestmark = pytest.mark.browser
CHIEF, PASSWORD = "chief@example.org", "correct horse battery"
AGREE = """() => {
    const row = document.querySelector('[data-layer="transit/vehicles"]')
    const chosen = row.querySelector('.facet-bar[aria-pressed="true"] .num')
    return chosen && chosen.textContent === row.querySelector('[data-count]').textContent
}"""
A_BUS = """() => {
    const city = document.querySelector('city-map')
    const { x, y, width, height } = city.getBoundingClientRect()
    const buses = city.map.queryRenderedFeatures({ layers: ['transit/vehicles'] })
    const places = buses.map((one) => city.map.project(one.geometry.coordinates))
    const heard = (n) => buses[n].properties.presence === 1
    const inside = (one) => one.x > 80 && one.y > 200 && one.x < width - 80 && one.y < height - 80
    const clear = places.find((one, n) => heard(n) && inside(one))
    return clear && [x + clear.x, y + clear.y]
}"""
"""Where a bus that was heard of lately is on the page."""
SHOWN = ".stage > city-map[data-idle]"
SLOW_MS = 60_000
"""Two maps drawn without a graphics card."""
SOME = re.compile(r"[1-9]\d*")


@pytest.fixture(scope="session")
def chief(demo: Demo) -> str:
    """Somebody who may do everything."""
    command = [sys.executable, "-m", "cityhall.cli", "manage", "--city", "demo", "--data", str(demo.data)]
    environment = outside() | {"DJANGO_SUPERUSER_PASSWORD": PASSWORD}
    subprocess.run([*command, "createsuperuser", "--noinput", "--email", CHIEF], env=environment, cwd=ROOT, check=True)
    return CHIEF


@pytest.fixture
def alone(chromium: Browser, demo: Demo) -> Iterator[Page]:
    """A page that fails its test where it asks anything of another server."""
    context = chromium.new_context(base_url=demo.address, locale="en-GB", viewport={"width": 1280, "height": 800})
    context.set_default_timeout(20_000)
    page = context.new_page()
    strange: list[str] = []
    faults: list[str] = []
    allowed = (demo.address, "blob:", "data:")
    page.on("request", lambda request: None if request.url.startswith(allowed) else strange.append(request.url))
    page.on("pageerror", lambda error: faults.append(str(error)))
    yield page
    context.close()
    assert strange == [] and faults == []


def opened(page: Page, path: str = "/map/") -> None:
    page.goto(path)
    page.locator(SHOWN).wait_for()


def keep(page: Page, name: str) -> None:
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"one-map-{name}.png")


def accessible(page: Page) -> None:
    page.evaluate(Path(AXE).read_text())
    assert [fault for fault in page.evaluate(RUN) if fault["impact"] in ("serious", "critical")] == []
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0


def layer(page: Page, name: str) -> None:
    page.locator(f'[data-layer="{name}"] [data-open]').click()


def test_layers_counts_charts_and_choices(alone: Page) -> None:
    """Nothing is asked of an outside server meanwhile: tiles, fonts and pictures are the city's own."""
    page = alone
    opened(page)
    count = page.locator('[data-layer="transit/vehicles"] [data-count]')
    expect(count).not_to_be_empty()
    expect(page.locator("city-map")).to_have_attribute("data-moving", SOME)
    expect(page.get_by_text("Marelva, a made-up city").first).to_be_in_viewport()
    layer(page, "transit/vehicles")
    bar = page.locator('[data-layer="transit/vehicles"] .facet-bar').first
    line = bar.locator("span").first.inner_text()
    bar.click()
    expect(page.locator('.facet-bar[aria-pressed="true"] span').first).to_have_text(line)
    # Buses come and go meanwhile, so both numbers are read until they agree.
    page.wait_for_function(AGREE)
    # The view is in the address: whoever gets the link sees the same.
    page.wait_for_function("location.hash.length > 10")
    page.reload()
    page.locator(SHOWN).wait_for()
    layer(page, "transit/vehicles")
    expect(page.locator('.facet-bar[aria-pressed="true"] span').first).to_have_text(line)
    page.wait_for_function(AGREE)
    keep(page, "charts")


@pytest.mark.parametrize("path", ["/", "/map/"])
def test_a_bus_tells_the_same_on_every_map(desktop: Page, path: str) -> None:
    """Pressed by hand: its panel, which goes on with it."""
    page = desktop
    page.goto(path)
    shown = page.locator("city-map")
    expect(shown).to_have_attribute("data-idle", "1", timeout=SLOW_MS)
    expect(shown).to_have_attribute("data-moving", SOME, timeout=SLOW_MS)
    page.wait_for_function(A_BUS, timeout=SLOW_MS)
    page.mouse.click(*page.evaluate(A_BUS))
    expect(page.locator(".moving-popup .bus-panel")).to_contain_text(re.compile(r"last heard \d+ s ago"))
    with page.expect_response(re.compile(r"/transit/buses/.*part=1")):
        page.wait_for_timeout(5_500)
    expect(page.locator(".moving-popup .bus-panel")).to_be_visible()


def test_home_asks_for_what_it_shows(desktop: Page) -> None:
    """A layer that is off costs nothing until it is switched on, and is gone when it is switched off."""
    page = desktop
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto("/")
    page.locator("city-map[data-idle]").wait_for(timeout=SLOW_MS)
    assert any("/map/layers/transit/stops" in one for one in asked)
    assert not any("/map/layers/reports/" in one for one in asked)
    box = page.get_by_role("checkbox", name="Incidents")
    with page.expect_request(re.compile("/map/layers/reports/incidents")):
        box.check()
    drawn = "document.querySelector('city-map').map.getLayer('reports/incidents')"
    page.wait_for_function(drawn)
    box.uncheck()
    page.wait_for_function(f"!{drawn}")


@pytest.mark.parametrize("way", ["heat", "zones"])
def test_heat_and_districts(alone: Page, way: str) -> None:
    page = alone
    opened(page)
    layer(page, "transit/stops")
    with page.expect_response(lambda answer: f"/map/{way}/transit/stops" in answer.url) as answer:
        page.locator('[data-layer="transit/stops"] [data-as]').select_option(way)
    features = answer.value.json()["features"]
    assert sum(one["properties"]["count"] for one in features) > 50
    accessible(page)
    keep(page, way)


def test_the_table_is_one_key_away(phone: Page) -> None:
    page = phone
    opened(page)
    page.keyboard.press("t")
    table = page.get_by_role("dialog", name="Buses now")
    expect(table.get_by_role("columnheader", name="Line")).to_be_visible()
    expect(table.get_by_role("row").nth(3)).to_be_visible()
    accessible(page)
    keep(page, "table-phone")
    table.get_by_role("button", name="Close").click()
    expect(table).to_be_hidden()


def test_replay(alone: Page) -> None:
    page = alone
    opened(page)
    # The worker notes every fifteen seconds where the buses are.
    for _try in range(8):
        tracks = page.request.get("/map/replay/transit/vehicles/?start=" + hour(page)).json()["tracks"]
        if tracks and max(len(track["at"]) for track in tracks) > 1:
            break
        page.wait_for_timeout(5_000)
    page.reload()
    page.get_by_role("button", name="Replay").click()
    expect(page.locator("[data-replay]")).to_have_attribute("data-tracks", SOME)
    clock = page.locator("[data-replay] output")
    before = clock.inner_text()
    page.get_by_role("button", name="Play", exact=True).click()
    expect(clock).not_to_have_text(before)
    page.get_by_role("button", name="Pause").click()
    page.get_by_label("Moment of the hour").press("ArrowRight")
    accessible(page)
    keep(page, "replay")


def hour(page: Page) -> str:
    return page.locator("#replay-start").input_value()


def test_what_happened_when(alone: Page) -> None:
    """A period by keyboard: counts, tiles, table and a kept link follow it."""
    page = alone
    wait_for_reports(page)
    opened(page)
    page.get_by_role("checkbox", name="Reports", exact=True).check()
    page.get_by_role("button", name="Period").press("Enter")
    page.get_by_label("What happened in").select_option("the last hour")
    form = page.locator("[data-period]")
    expect(form).to_have_attribute("data-counted", SOME)
    until, count = page.get_by_label("Until", exact=True), page.locator('[data-layer="reports/open"] [data-count]')
    until.focus()
    with page.expect_response(lambda answer: "/map/tiles/reports/open/" in answer.url) as tile:
        until.press("Home")
    assert "datetime=" in tile.value.url
    # Residents of the demo began to report when it was started: in the first moments of the hour there was nobody.
    expect(count).to_have_text("0")
    assert ":" in (until.get_attribute("aria-valuetext") or "")
    accessible(page)
    keep(page, "period")
    page.wait_for_timeout(500)
    page.reload()
    page.locator(SHOWN).wait_for()
    expect(page.get_by_label("Until", exact=True)).to_have_value("1")
    expect(count).to_have_text("0")
    page.get_by_role("button", name="The whole period").click()
    expect(count).to_have_text(SOME)
    page.locator('[data-layer="reports/open"]').get_by_role("checkbox").focus()
    page.keyboard.press("t")
    rows = page.get_by_role("dialog", name="Reports")
    expect(rows.get_by_role("row").nth(1)).to_be_visible()


def wait_for_reports(page: Page) -> None:
    """Residents report now and then."""
    for _try in range(30):
        if page.request.get("/map/summary/reports/open/").json()["count"]:
            return
        page.wait_for_timeout(2_000)
    raise AssertionError("nobody reported anything")


@pytest.mark.parametrize("device", ["desktop", "phone"])
def test_two_maps_side_by_side(device: str, request: pytest.FixtureRequest) -> None:
    """Each with several layers of its own; the link holds both."""
    page: Page = request.getfixturevalue(device)
    opened(page)
    page.get_by_role("button", name="Compare").click()
    page.locator("[data-over] city-map[data-idle]").wait_for(timeout=SLOW_MS)
    stops, lines = (page.get_by_role("checkbox", name=name, exact=True) for name in ("Stops", "Lines"))
    expect(lines).to_be_checked()
    # The choices are the left map's; the colours of the right one are told, too.
    expect(page.get_by_role("list", name="Right: Colours of Stops")).to_be_visible()
    page.get_by_role("radio", name="the right map").check()
    expect(stops).to_be_checked()
    expect(lines).not_to_be_checked()
    lines.check()
    stops.uncheck()
    page.get_by_role("checkbox", name="Reports", exact=True).check()
    page.get_by_role("radio", name="the left map").check()
    expect(page.get_by_role("checkbox", name="Reports", exact=True)).not_to_be_checked()
    bar = page.get_by_role("slider", name="Bar between the two maps")
    bar.focus()
    bar.press("ArrowRight")
    assert "51%" in (page.locator("[data-over]").get_attribute("style") or "")
    page.wait_for_timeout(1_500)
    accessible(page)
    keep(page, f"compare-{device}")
    page.reload()
    page.locator("[data-over] city-map[data-idle]").wait_for(timeout=SLOW_MS)
    expect(bar).to_have_value("51")
    page.get_by_role("radio", name="the right map").check()
    for name, on in (("Reports", True), ("Lines", True), ("Stops", False)):
        expect(page.get_by_role("checkbox", name=name, exact=True)).to_be_checked(checked=on)


def test_the_wall_screen_lives_through_a_lost_network(alone: Page) -> None:
    page = alone
    opened(page, "/map/screen/")
    expect(page.locator("[data-number]").first).not_to_be_empty()
    scene = page.locator("main").get_attribute("data-scene")
    page.keyboard.press("ArrowRight")
    assert page.locator("main").get_attribute("data-scene") != scene
    accessible(page)
    keep(page, "screen")
    page.context.set_offline(True)
    page.locator(".screen-lost").wait_for(timeout=40_000)
    keep(page, "screen-offline")
    assert page.locator("[data-number]").first.inner_text()
    page.context.set_offline(False)
    page.locator(".screen-lost").wait_for(state="hidden", timeout=40_000)


def sign_in(page: Page, email: str) -> None:
    page.goto("/accounts/login/")
    page.locator("main summary").first.click()
    page.locator("input[name=login]").fill(email)
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("main details form button").click()
    page.wait_for_url(lambda url: "/login/" not in url)


def test_bring_publish_style_and_keep_a_view(alone: Page, chief: str) -> None:
    page = alone
    sign_in(page, chief)
    page.goto("/map/data-sets/")
    accessible(page)
    keep(page, "bring")
    # Dragged onto the page, as people do.
    rows = "".join(f"Tree {n},{-29.42 + n % 30 / 400},{36.34 + n // 30 / 400},{n % 17}\n" for n in range(600))
    page.evaluate(
        """text => {
            const files = new DataTransfer()
            files.items.add(new File([text], 'Street trees.csv', { type: 'text/csv' }))
            const zone = document.querySelector('[data-drop-zone]')
            zone.dispatchEvent(new DragEvent('drop', { dataTransfer: files, bubbles: true, cancelable: true }))
        }""",
        "name,longitude,latitude,height\n" + rows,
    )
    page.wait_for_url("**/map/data-sets/street-trees/")
    page.locator('#state[data-state="ready"]').wait_for(timeout=30_000)
    page.reload()
    page.get_by_label("Colour by").select_option("height")
    page.locator("#style ~ form").get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_text("everybody may see it")).to_be_visible()
    accessible(page)
    keep(page, "dataset")
    page.wait_for_timeout(2_100)
    opened(page)
    with page.expect_response(lambda answer: "/map/tiles/map/street-trees/" in answer.url and answer.status == 200):
        page.get_by_role("checkbox", name="Street trees").check()
    page.wait_for_timeout(1_500)
    keep(page, "own-data")
    page.get_by_label("Name").fill("Trees")
    page.get_by_label("Who may see it").select_option("public")
    page.get_by_role("button", name="Keep this view").click()
    expect(page.locator("[data-status]")).to_have_text("Saved.")
    link = page.get_by_role("link", name="Trees", exact=True).get_attribute("href") or ""
    opened(page, link)
    expect(page.get_by_role("checkbox", name="Street trees")).to_be_checked()
    page.get_by_role("button", name="Delete Trees").click()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("link", name="Trees", exact=True)).to_be_focused()
    opened(page, link)
    found = page.request.get("/map/ogc/collections/map-street-trees/items?f=json&limit=1").json()
    assert found["numberMatched"] == 600 and json.dumps(found).count("Tree") == 1


def test_a_bad_file_is_told_by_its_row(alone: Page, chief: str, tmp_path: Path) -> None:
    page = alone
    sign_in(page, chief)
    page.goto("/map/data-sets/")
    file = tmp_path / "bad.csv"
    file.write_text("longitude,latitude\n-29.4,36.3\nhere,36.3\n")
    page.locator("#file").set_input_files(file)
    page.get_by_role("button", name="Put it on the map").click()
    page.locator('#state[data-state="failed"]').wait_for(timeout=30_000)
    expect(page.locator("[data-problems] tbody tr")).to_have_text(["2longitude“here” is no number of degrees"])
    accessible(page)
    keep(page, "bad-file")


def test_the_pages_of_publishers_on_a_phone(phone: Page, chief: str, tmp_path: Path) -> None:
    page = phone
    sign_in(page, chief)
    page.goto("/map/data-sets/")
    page.get_by_text("Add one").click()
    page.get_by_label("Kind").select_option("wms")
    accessible(page)
    keep(page, "bring-phone")
    file = tmp_path / "A long name of a file with many fountains in it.csv"
    file.write_text("name,longitude,latitude\nFountain,-29.42,36.34\n")
    page.locator("#file").set_input_files(file)
    page.get_by_role("button", name="Put it on the map").click()
    page.locator('#state[data-state="ready"]').wait_for(timeout=30_000)
    page.reload()
    accessible(page)
    keep(page, "dataset-phone")


PAGES = {"map": "/map/", "open-data": "/map/ogc/?f=html", "collections": "/map/ogc/collections?f=html"}
PAGES |= {"items": "/map/ogc/collections/transit-stops/items?f=html"}


@pytest.mark.parametrize(("name", "path"), PAGES.items(), ids=PAGES)
@pytest.mark.parametrize("device", ["desktop", "phone"])
def test_every_page_is_accessible(device: str, name: str, path: str, request: pytest.FixtureRequest) -> None:
    page: Page = request.getfixturevalue(device)
    page.goto(path)
    page.wait_for_timeout(1_000)
    accessible(page)
    keep(page, f"{name}-{device}")
