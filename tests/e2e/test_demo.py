"""What a newcomer does first: opens the demo city, looks at the buses, plans a journey."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import AT, Demo, keep

pytestmark = pytest.mark.browser


def suggestion(page: Page) -> Locator:
    """The first place suggested under a field."""
    return page.locator("[role=listbox]:not([hidden]) [role=option]").first


def choose(page: Page, field: str, typed: str) -> str:
    """Types into a place field and takes the first suggestion; returns its name."""
    box = page.get_by_role("combobox", name=field, exact=True)
    box.fill(typed)
    first = suggestion(page)
    expect(first).to_be_visible()
    first.click()
    return box.input_value()


def plan(page: Page) -> None:
    page.goto("/transit/")
    choose(page, "From", "univ")
    choose(page, "To", "port")
    expect(page.get_by_role("heading", name=re.compile(r"^\d+ journeys?: "))).to_be_visible()


def test_a_city_at_work(desktop: Page, demo: Demo) -> None:
    desktop.goto("/")
    expect(desktop.get_by_role("heading", level=1)).to_contain_text("What do you need?")
    shown = desktop.locator("city-map")
    expect(shown).to_have_attribute("data-moving", re.compile(r"[1-9]\d*"))
    expect(shown).to_have_attribute("data-live", "1")
    keep(desktop, "city")
    before = positions(demo)
    desktop.wait_for_timeout(6000)
    after = positions(demo)
    assert sum(after[vehicle] != place for vehicle, place in before.items() if vehicle in after) > 0


def test_who_looks_over_an_administrators_shoulder_may_give_roles(demo: Demo) -> None:
    known = json.loads((demo.data / "demo" / "simulator.json").read_text())
    with httpx.Client(base_url=demo.address, timeout=60, follow_redirects=True) as browser:
        for path, form in (
            ("/accounts/login/", {"login": known["administrator"], "password": known["password"]}),
            ("/accounts/officers/", {"email": known["residents"][0], "role": "reports.router", "scope": ""}),
        ):
            browser.get(path)
            form["csrfmiddlewaretoken"] = browser.cookies["csrftoken"]
            done = browser.post(path, data=form, headers={"Referer": demo.address})
            assert done.status_code == 200, done.text
        assert known["residents"][0] in browser.get("/accounts/officers/").text


def positions(demo: Demo) -> dict[str, list[float]]:
    features = httpx.get(f"{demo.address}/map/layers/transit/vehicles.geojson", timeout=60).json()["features"]
    return {feature["id"]: feature["geometry"]["coordinates"] for feature in features}


def test_a_journey_is_planned_and_drawn(desktop: Page) -> None:
    plan(desktop)
    option = desktop.locator("details.option").first
    expect(option).to_have_attribute("open", "")
    expect(option.locator(".leg").first).to_be_visible()
    expect(desktop.locator("city-map")).to_have_attribute("data-journey", re.compile(r"[1-9]"))
    desktop.locator("city-map[data-idle]").wait_for()
    keep(desktop, "journey")
    # Another option is drawn when it is opened.
    second = desktop.locator("details.option").nth(1)
    second.locator("summary").first.click()
    expect(second).to_have_attribute("open", "")


def test_a_journey_has_an_address_of_its_own(desktop: Page, phone: Page) -> None:
    """Of tomorrow: what goes today is a minute later with the next bus that is held up."""
    plan(desktop)
    tomorrow = (date.fromisoformat(AT[:10]) + timedelta(days=1)).isoformat()
    with desktop.expect_response(re.compile(f"date={tomorrow}")):
        desktop.get_by_label("Day", exact=True).fill(tomorrow)
    expect(desktop).to_have_url(re.compile(f"from_lon=.*date={tomorrow}"))
    heading = desktop.get_by_role("heading", name=re.compile(r"^\d+ journeys?: ")).inner_text()
    first = desktop.locator("details.option .times").first.inner_text()
    phone.goto(desktop.url)
    expect(phone.get_by_role("heading", name=heading)).to_be_visible()
    assert phone.locator("details.option .times").first.inner_text() == first
    keep(phone, "journey-phone")


def test_only_with_the_keyboard(desktop: Page) -> None:
    desktop.goto("/transit/")
    desktop.get_by_role("combobox", name="From", exact=True).focus()
    desktop.keyboard.type("univ", delay=20)
    expect(suggestion(desktop)).to_be_visible()
    desktop.keyboard.press("ArrowDown")
    desktop.keyboard.press("Enter")
    desktop.get_by_role("combobox", name="To", exact=True).focus()
    desktop.keyboard.type("old town", delay=20)
    expect(suggestion(desktop)).to_be_visible()
    desktop.keyboard.press("ArrowDown")
    desktop.keyboard.press("Enter")
    expect(desktop.locator("details.option").first).to_be_visible()


def test_fewer_changes_and_arrive_by_change_the_answer(desktop: Page) -> None:
    """In the afternoon of the day shown, at whatever hour this runs: buses go, and none has to be there by now."""
    plan(desktop)
    options = desktop.locator("#results details.option:has(.line)")
    with desktop.expect_response(re.compile("time=14(%3A|:)00")):
        desktop.get_by_label("Time", exact=True).fill("14:00")
    expect(options.first.locator(".times")).to_have_text(re.compile(r"^1[45]:\d\d – 1[4-6]:\d\d$"))
    with desktop.expect_response(re.compile("prefer=fewer_transfers")):
        desktop.get_by_label("Fewer changes").check()
    with desktop.expect_response(re.compile("mode=arrive")):
        desktop.get_by_label("Leave or arrive").select_option("arrive")
    expect(options.first.locator(".times")).to_have_text(re.compile(r"^1[123]:\d\d – (13:\d\d|14:00)$"))
    arrivals = [text.split(" – ")[1] for text in options.locator(".times").all_inner_texts()]
    assert arrivals and max(arrivals) <= "14:00"
    changes = [int(text.split(" change")[0]) for text in options.locator("summary small.note").all_inner_texts()]
    assert len(changes) == len(arrivals) and changes == sorted(changes)


def test_from_the_front_page(phone: Page) -> None:
    phone.goto("/")
    phone.get_by_role("combobox", name="Where to?").fill("port")
    suggestion(phone).click()
    expect(phone).to_have_url(re.compile("/transit/"))
    expect(phone.get_by_role("combobox", name="To", exact=True)).not_to_have_value("")
    keep(phone, "planner-phone")


def test_stops_and_lines(desktop: Page) -> None:
    desktop.goto("/transit/lines/")
    desktop.get_by_role("link", name=re.compile("T1")).click()
    expect(desktop.get_by_role("heading", level=1)).to_contain_text("T1")
    keep(desktop, "line")
    desktop.locator(".diagram-stop a").first.click()
    expect(desktop.get_by_role("heading", name="Next departures")).to_be_visible()
    keep(desktop, "stop")


@pytest.mark.parametrize(
    ("language", "heading"),
    [("es", "Planificar un viaje"), ("pt", "Planejar um trajeto"), ("ko", "길 찾기"), ("en", "Plan a journey")],
)
def test_in_the_residents_language(desktop: Page, language: str, heading: str) -> None:
    desktop.goto("/transit/")
    with desktop.expect_navigation():
        desktop.locator("[data-menu] > summary").click()
        desktop.locator("#menu-language").select_option(language)
    expect(desktop.locator("html")).to_have_attribute("lang", language)
    expect(desktop.get_by_role("heading", level=1)).to_have_text(heading)
    keep(desktop, f"planner-{language}")


def test_dark_and_light(desktop: Page) -> None:
    desktop.goto("/")
    desktop.locator("[data-menu] > summary").click()
    button = desktop.get_by_role("button", name="Dark colours")
    button.click()
    expect(desktop.locator("html")).to_have_attribute("data-theme", "dark")
    expect(button).to_have_attribute("aria-pressed", "true")
    desktop.keyboard.press("Escape")
    expect(button).to_be_hidden()
    desktop.reload()
    expect(desktop.locator("html")).to_have_attribute("data-theme", "dark")


def test_without_a_network_the_city_says_so(desktop: Page) -> None:
    desktop.goto("/")
    desktop.evaluate("navigator.serviceWorker.ready.then(() => true)")
    desktop.reload()
    desktop.context.set_offline(True)
    desktop.goto("/transit/lines/")
    expect(desktop.get_by_role("heading", level=1)).to_have_text("There is no network")
    desktop.context.set_offline(False)


def test_it_can_be_installed(demo: Demo) -> None:
    manifest = httpx.get(f"{demo.address}/manifest.webmanifest", timeout=60).json()
    assert manifest["display"] == "standalone" and manifest["start_url"] == "/"
    sizes = {icon["sizes"] for icon in manifest["icons"]}
    assert {"192x192", "512x512"} <= sizes
    for icon in manifest["icons"]:
        assert httpx.get(f"{demo.address}{icon['src']}", timeout=60).status_code == 200
