"""The button, the control desk and a unit's telephone, as people use them: honest without a network, whole by keys."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from secrets import token_hex
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import Demo, enter, keep
from tests.e2e.test_accessibility import faults, faults_here
from tests.e2e.test_presses import enter as sign_in
from tests.e2e.test_reports import center

pytestmark = pytest.mark.browser
PRESSES = "/api/safety/presses"
HOLD_MS = 1200
LIVE_MS = 5000
"""A screen that is not live says so within these."""
WATCHED = """() => {
  const real = window.open
  window.opened = []
  window.open = (...given) => (window.opened.push(given), real.apply(window, given))
}"""
"""Notes what a page opens beside itself, and opens it."""
OURS = "e2e"
"""Places of these tests begin so: the demo's own people call for help too."""


class Officer:
    """An account of the demo that asks the city without a browser."""

    def __init__(self, demo: Demo, role: str) -> None:
        self.client = httpx.Client(base_url=demo.address, timeout=30, follow_redirects=True)
        self.address = demo.address
        enter(self.client, demo, f"safety-{role}@demo.example")

    def post(self, path: str, **form: Any) -> httpx.Response:
        token = self.client.cookies["csrftoken"]
        headers = {"X-CSRFToken": token, "Referer": self.address, "Accept": "application/json"}
        return self.client.post(path, data=form, headers=headers)

    def queue(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.client.get("/safety/desk/queue/").json()["rows"]
        return rows

    def at(self, place: str) -> list[dict[str, Any]]:
        """The open alerts of a place."""
        return [row for row in self.queue() if row["place"] == place]

    def ours(self) -> list[dict[str, Any]]:
        """Those of these tests."""
        return [row for row in self.queue() if row["place"].startswith(OURS)]


@pytest.fixture
def boss(demo: Demo) -> Iterator[Officer]:
    """A supervisor whose shift has begun; what a test leaves open is closed after it: others look at the same city."""
    one = Officer(demo, "supervisor")
    one.post("/safety/desk/shift/begin/", heard="1")
    yield one
    until = time.monotonic() + 60
    while (rows := one.ours()) and time.monotonic() < until:
        # Again where the demo's own operator did something with one between two of these.
        for row in rows:
            one.post(f"/safety/alerts/{row['id']}/take-over/", text="The test is over")
            one.post(f"/safety/alerts/{row['id']}/answer/")
            one.post(f"/safety/alerts/{row['id']}/close/", outcome="helped")
    assert one.ours() == []


def place_of(name: str) -> str:
    """A place that no other test has."""
    return f"{OURS} {name} {token_hex(3)}"


def press(demo: Demo, place: str, **given: Any) -> int:
    """Somebody calls for help at a place; gives the alert's number."""
    answer = httpx.post(f"{demo.address}{PRESSES}", json={"key": token_hex(16), "place": place, **given}, timeout=30)
    return int(answer.json()["alert"])


def hold(page: Page, name: str | re.Pattern[str], ms: int = HOLD_MS) -> None:
    """Holds a button down, as a thumb does."""
    button = page.locator("main").get_by_role("button", name=name, exact=isinstance(name, str))
    button.scroll_into_view_if_needed()
    button.hover()
    page.mouse.down()
    page.wait_for_timeout(ms)
    page.mouse.up()


def stage(page: Page) -> str:
    return page.locator("[data-stages] [aria-current]").inner_text()


def ready(page: Page, path: str = "/safety/") -> None:
    page.goto(path)
    expect(page.get_by_text("Ready: the city can be reached.")).to_be_visible()


@contextmanager
def on_duty(demo: Demo, boss: Officer) -> Iterator[Officer]:
    """A unit in the middle of the city whose guard is on duty."""
    lon, lat = center(demo)
    boss.post("/safety/units/", name="Patrol e2e", person="safety-guard@demo.example", lon=lon, lat=lat)
    guard = Officer(demo, "guard")
    guard.post("/safety/unit/on/")
    yield guard
    guard.post("/safety/unit/off/")


def test_a_press_is_honest_about_a_network_that_is_cut_and_restored(phone: Page, demo: Demo, boss: Officer) -> None:
    place = place_of("Kiosk")
    ready(phone, f"/safety/?place={place}")
    # The worker keeps the page at hand from its installation on.
    phone.evaluate("navigator.serviceWorker.ready.then(() => true)")
    phone.wait_for_function("navigator.serviceWorker.controller !== null")
    phone.context.set_offline(True)
    expect(phone.get_by_text("Not ready: the city cannot be reached")).to_be_visible()
    keep(phone, "safety-offline", drawn=False)
    hold(phone, "Call for help")
    expect(phone.get_by_text("Not received: no network.")).to_be_visible()
    assert stage(phone) == "Waits here"
    expect(phone.locator("[data-numbers] a[href^='tel:']").first).to_be_visible()
    assert faults_here(phone) == []
    keep(phone, "safety-queued", drawn=False)
    assert boss.at(place) == []
    phone.reload()
    expect(phone.get_by_text("Not received: no network.")).to_be_visible()
    phone.context.set_offline(False)
    phone.wait_for_url(re.compile("/safety/call/"))
    expect(phone.get_by_text("Received at")).to_be_visible()
    assert [row["presses"] for row in boss.at(place)] == [1]
    assert faults_here(phone) == []
    keep(phone, "safety-received", drawn=False)


def test_an_answer_that_was_lost_is_no_receipt_and_makes_no_second_alert(
    phone: Page, demo: Demo, boss: Officer
) -> None:
    place = place_of("Corner")
    ready(phone, f"/safety/?place={place}")

    def lose(route: Any) -> None:
        """The city has it, and its answer does not come back."""
        route.fetch()
        route.abort()

    phone.route(f"**{PRESSES}", lose)
    hold(phone, "Call for help")
    expect(phone.get_by_text("Not received")).to_be_visible()
    assert len(boss.at(place)) == 1 and stage(phone) != "Received"
    phone.unroute(f"**{PRESSES}")
    phone.wait_for_url(re.compile("/safety/call/"))
    (row,) = boss.at(place)
    assert row["presses"] == 1


def test_a_tap_sends_nothing_and_a_key_or_a_click_of_a_screen_reader_does(
    phone: Page, demo: Demo, boss: Officer
) -> None:
    place = place_of("Stairs")
    ready(phone, f"/safety/?place={place}")
    hold(phone, "Call for help", 200)
    expect(phone.get_by_text("That was too short: nothing was sent.")).to_be_visible()
    assert boss.at(place) == []
    phone.get_by_role("button", name="Call for help", exact=True).focus()
    phone.keyboard.down("Space")
    phone.wait_for_timeout(HOLD_MS)
    phone.keyboard.up("Space")
    phone.wait_for_url(re.compile("/safety/call/"))
    assert len(boss.at(place)) == 1
    ready(phone, f"/safety/?place={place}")
    # What assists people clicks without a pointer: `detail` is 0.
    phone.get_by_role("button", name="Call for help", exact=True).evaluate("button => button.click()")
    phone.wait_for_url(re.compile("/safety/call/"))
    assert len(boss.at(place)) == 2


def test_where_they_are_comes_when_it_is_known(phone: Page, demo: Demo, boss: Officer) -> None:
    place = place_of("Square")
    lon, lat = center(demo)
    phone.context.set_geolocation({"longitude": lon, "latitude": lat, "accuracy": 12})
    phone.context.grant_permissions(["geolocation"])
    ready(phone, f"/safety/?place={place}")
    hold(phone, "Call for help")
    phone.wait_for_url(re.compile("/safety/call/"))
    expect(phone.get_by_text("The desk does not know where you are")).to_have_count(0)
    (row,) = boss.at(place)
    assert (row["lon"], row["lat"]) == pytest.approx((lon, lat))


@pytest.mark.parametrize(("ms", "duress"), [(HOLD_MS, False), (150, True)], ids=["held", "tapped"])
def test_i_am_safe_looks_the_same_held_or_tapped(phone: Page, demo: Demo, boss: Officer, ms: int, duress: bool) -> None:
    place = place_of("Bench")
    answer = httpx.post(f"{demo.address}{PRESSES}", json={"key": token_hex(16), "place": place}, timeout=30).json()
    phone.goto(answer["link"])
    began = time.monotonic()
    hold(phone, "I am safe", ms)
    expect(phone.locator("main").get_by_role("button", name="I am safe")).to_have_count(0)
    assert time.monotonic() - began > 0.9, "a tap is not quicker: somebody may look on"
    expect(phone.locator("[data-stage]")).to_have_text("You have called it off.")
    (row,) = boss.at(place)
    assert (row["cancelled"], row["duress"]) == (True, duress)


def begin_shift(page: Page) -> None:
    """By keys alone, the test sound first."""
    expect(page.locator("[data-begin-shift]")).to_be_disabled()
    play = page.get_by_role("button", name="Play the test sound")
    play.focus()
    page.keyboard.press("Enter")
    heard = page.get_by_label("I heard the test sound")
    expect(heard).to_be_focused()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="End my shift")).to_be_visible()


@pytest.fixture
def screen(desktop: Page) -> Page:
    """The desk of an operator whose shift has begun."""
    sign_in(desktop, "safety-operator", "/safety/desk/")
    # Who has signed in at a single desk begins there.
    desktop.goto("/safety/desk/")
    if desktop.locator("[data-test-sound]").count():
        begin_shift(desktop)
    return desktop


def test_the_desk_by_keys_from_the_press_until_a_unit_goes_and_all_is_over(
    screen: Page, phone: Page, demo: Demo, boss: Officer
) -> None:
    place = place_of("Pole")
    lon, lat = center(demo)
    with on_duty(demo, boss):
        number = press(demo, place, lon=lon, lat=lat)
        row = screen.locator("[data-part=waiting]").get_by_role("link", name=re.compile(place))
        expect(row).to_be_visible()
        expect(screen.locator("[data-new]")).to_have_text(re.compile(f"^New alert: help · {place}"))
        assert faults_here(screen) == []
        keep(screen, "safety-desk", drawn=False)
        # Two keys from the press to the offer, for whoever has come to its row.
        row.focus()
        screen.keyboard.press("a")
        expect(screen.locator(f"[data-alert-shown='{number}'] h2")).to_be_focused()
        screen.keyboard.press("s")
        sent = screen.locator("[data-alert-panel]")
        expect(sent.get_by_text("offered", exact=True)).to_be_visible()
        assert faults_here(screen) == []
        keep(screen, "safety-desk-open", drawn=False)
        sign_in(phone, "safety-guard", "/safety/unit/")
        phone.goto("/safety/unit/")
        expect(phone.get_by_text("answer within")).to_be_visible()
        assert faults_here(phone) == []
        keep(phone, "safety-unit", drawn=False)
        phone.evaluate(WATCHED)
        phone.get_by_role("button", name="Responding").click()
        expect(phone.get_by_role("button", name="We are there")).to_be_visible()
        phone.wait_for_function("opened.length === 1")
        assert phone.evaluate("opened[0][0]").startswith("geo:"), "the way is opened, beside the page"
        assert phone.url.endswith("/safety/unit/"), "the page stays, and takes the presses that follow"
        expect(phone.get_by_role("button", name="We are there")).to_be_visible()
        expect(screen.locator("[data-part=mine]").get_by_text("unit on its way")).to_be_visible()
        phone.get_by_role("button", name="We are there").click()
        expect(phone.get_by_text("that all is well")).to_be_visible()
        screen.keyboard.press("n")
        expect(screen.locator("#note")).to_be_focused()
        screen.keyboard.type("a quiet street")
        screen.keyboard.press("Enter")
        expect(sent.get_by_text("a quiet street")).to_be_visible()
        screen.locator(f"[data-alert-shown='{number}'] h2").focus()
        screen.keyboard.press("c")
        expect(screen.locator("#outcome")).to_be_focused()
        screen.keyboard.press("ArrowDown")
        screen.keyboard.press("Tab")
        screen.keyboard.press("Enter")
        expect(screen.locator("[data-control] li").filter(has_text=place)).to_have_count(0)
        screen.keyboard.press("Escape")
        expect(screen.locator("[data-alert-panel]")).to_be_hidden()
        assert boss.at(place) == []


def test_j_and_k_go_through_the_queue_and_o_opens(screen: Page, demo: Demo, boss: Officer) -> None:
    places = [place_of("Lamp") for _time in range(3)]
    for place in places:
        press(demo, place)
    rows = screen.locator("[data-part=waiting] li a")
    ours = rows.filter(has_text=OURS)
    expect(ours).to_have_count(3)
    # The oldest is first.
    assert [places[row] in ours.nth(row).inner_text() for row in range(3)] == [True] * 3
    ours.first.focus()
    for key, row in (("j", 1), ("j", 2), ("k", 1)):
        screen.keyboard.press(key)
        expect(ours.nth(row)).to_be_focused()
    screen.keyboard.press("o")
    expect(screen.get_by_role("heading", name=re.compile(places[1]))).to_be_focused()
    screen.keyboard.press("Escape")
    expect(ours.nth(1)).to_be_focused()
    screen.get_by_text("Keys and lines").click()
    screen.get_by_label("Single keys do this").uncheck()
    screen.keyboard.press("a")
    screen.wait_for_timeout(500)
    assert [row["state"] for row in boss.ours()] == ["waiting"] * 3
    screen.get_by_label("Single keys do this").check()


def test_the_screen_is_read_by_the_accessibility_tree(screen: Page, demo: Demo, boss: Officer) -> None:
    place = place_of("Gate")
    press(demo, place, kind="harassment")
    main = screen.locator("[data-control]")
    expect(main.get_by_role("heading", name=re.compile(r"^Waiting \d+"))).to_be_visible()
    link = main.get_by_role("list").get_by_role(
        "link", name=re.compile(rf"harassment · {place}.*waiting.*Answer \d:\d\d")
    )
    expect(link).to_be_visible()
    expect(main.get_by_role("status").filter(has_text=place)).to_have_count(1)
    link.press("Enter")
    panel = screen.get_by_role("region", name="Chosen alert")
    expect(panel.get_by_role("heading", level=2)).to_have_text(re.compile(f"harassment · {place}"))
    panel.get_by_role("button", name="Answer", exact=True).press("Enter")
    expect(main.get_by_role("heading", name=re.compile(r"^Yours \d+"))).to_be_visible()
    panel.get_by_label("How it ended").select_option("helped")
    panel.get_by_role("button", name="Close", exact=True).press("Enter")
    expect(main.get_by_role("link", name=re.compile(place))).to_have_count(0)


def test_who_answers_second_is_told_at_once_who_has_it(screen: Page, demo: Demo, boss: Officer) -> None:
    place = place_of("Door")
    # The screen must not hear of it before the key is pressed: its stream and beats are held back.
    number = press(demo, place)
    row = screen.locator("[data-part=waiting]").get_by_text(place)
    expect(row).to_be_visible()
    screen.route("**/answer/", lambda route: (boss.post(f"/safety/alerts/{number}/answer/"), route.continue_()))
    screen.locator("[data-part=waiting] a").filter(has_text=place).focus()
    screen.keyboard.press("a")
    said = screen.locator("[data-said]")
    expect(said).to_contain_text("has this alert")
    expect(said).to_have_attribute("role", "alert")


def test_a_screen_that_lost_the_city_says_so_and_heals_to_what_the_city_has(
    screen: Page, demo: Demo, boss: Officer
) -> None:
    banner = screen.locator("[data-not-live]")
    expect(banner).to_be_hidden()
    screen.context.set_offline(True)
    banner.wait_for(timeout=LIVE_MS)
    numbers = [press(demo, place_of("Bridge")) for _time in range(7)]
    boss.post(f"/safety/alerts/{numbers[0]}/answer/")
    boss.post(f"/safety/alerts/{numbers[0]}/close/", outcome="nobody")
    screen.context.set_offline(False)
    expect(banner).to_be_hidden()
    rows = screen.locator("[data-control] .alert-queue a")
    expect(rows.filter(has_text=OURS)).to_have_count(6)
    shown = sorted(int((row.get_attribute("href") or "").split("/")[-2]) for row in rows.all())
    assert shown == sorted(row["id"] for row in boss.queue()) and set(numbers[1:]) <= set(shown)


def test_a_stream_that_brings_nothing_is_noticed_by_the_beats(chromium: Browser, demo: Demo, boss: Officer) -> None:
    """The connection stands, and nothing comes through it: as behind a proxy that holds back."""
    context = chromium.new_context(base_url=demo.address, locale="en-GB", reduced_motion="reduce")
    context.add_init_script(
        """EventSource.prototype.addEventListener = new Proxy(EventSource.prototype.addEventListener, {
          apply: (target, self, given) => given[0] === 'message' ? undefined : target.apply(self, given) })"""
    )
    page = context.new_page()
    sign_in(page, "safety-operator", "/safety/desk/")
    page.goto("/safety/desk/")
    expect(page.locator("[data-not-live]")).to_be_hidden()
    place = place_of("Tunnel")
    press(demo, place)
    began = time.monotonic()
    expect(page.locator("[data-part=waiting]").get_by_text(place)).to_be_visible(timeout=LIVE_MS)
    assert time.monotonic() - began < LIVE_MS / 1000
    context.close()


def test_a_colleague_who_is_gone_turns_amber_and_is_relieved_by_one_key(
    screen: Page, chromium: Browser, demo: Demo, boss: Officer
) -> None:
    place = place_of("Alley")
    number = press(demo, place)
    boss.post("/safety/desk/here/")
    boss.post(f"/safety/alerts/{number}/answer/")
    expect(screen.locator("[data-part=others]").get_by_text(place)).to_be_visible()
    # The supervisor here has no browser that speaks for them: from now on they are silent.
    silent = screen.locator("[data-part=waiting] li").filter(has_text=place)
    expect(silent.get_by_text("screen silent")).to_be_visible(timeout=10_500)
    keep(screen, "safety-amber", drawn=False)
    silent.get_by_role("link").focus()
    screen.keyboard.press("t")
    expect(screen.locator("[data-part=mine]").get_by_text(place)).to_be_visible()


def test_what_is_new_never_hides_what_waits(screen: Page, demo: Demo, boss: Officer) -> None:
    # The demo's own operator takes the oldest, a few at a time: most of these still wait at the end.
    olds = [place_of("First") for _time in range(10)]
    for place in olds:
        press(demo, place)
    for _time in range(135):
        press(demo, place_of("Later"))
    waiting = screen.locator("[data-part=waiting]")
    expect(waiting.get_by_role("heading")).to_have_text(re.compile(r"Waiting\s+1[3-9]\d"))
    expect(waiting.locator("li")).to_have_count(100)
    expect(waiting.get_by_text(re.compile(r"\d+ more wait below these\."))).to_be_visible()
    still = [row["place"] for row in boss.ours() if row["state"] == "waiting" and row["place"] in olds]
    assert len(still) >= 3
    expect(waiting.locator("li").filter(has_text=still[-1])).to_be_visible()
    assert any(place in waiting.locator("li").filter(has_text=OURS).first.inner_text() for place in olds)


PAGES = {
    "button": ("", "/safety/"),
    "button-on-a-bus": ("", "/safety/?bus={bus}"),
    "follow": ("", "/safety/follow/"),
    "desk": ("operator", "/safety/desk/"),
    "coverage": ("supervisor", "/safety/desk/coverage/"),
    "units": ("supervisor", "/safety/units/"),
    "buttons": ("supervisor", "/safety/buttons/"),
    "unit": ("guard", "/safety/unit/"),
}


@pytest.mark.parametrize(("role", "path"), PAGES.values(), ids=PAGES)
@pytest.mark.parametrize("width", [360, 1440])
@pytest.mark.parametrize("colours", ["light", "dark"])
def test_every_page_wide_and_narrow_light_and_dark(
    chromium: Browser, demo: Demo, role: str, path: str, width: int, colours: Any
) -> None:
    context = chromium.new_context(
        base_url=demo.address,
        locale="en-GB",
        viewport={"width": width, "height": 740 if width == 360 else 900},
        color_scheme=colours,
        reduced_motion="reduce",
    )
    page = context.new_page()
    if role:
        sign_in(page, f"safety-{role}")
    if "{bus}" in path:
        moving = httpx.get(f"{demo.address}/api/transit/vehicles", timeout=30)
        found = re.search(r'"id": ?"([^"]+)"', moving.text) if moving.status_code == 200 else None
        path = path.replace("{bus}", found[1] if found else "")
    assert faults(page, path) == []
    name = json.dumps([role or "anybody", path.strip("/").split("?")[0].replace("/", "-"), width, colours])
    keep(page, "safety-" + re.sub(r"\W+", "-", name).strip("-"))
    for size_of_text in ("100%", "200%"):
        page.evaluate(f"document.documentElement.style.fontSize = '{size_of_text}'")
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{path} is {wide} px wider than the screen with text of {size_of_text}"
    context.close()
