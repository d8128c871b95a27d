"""Caller and desk write to each other, each in their own language, and speak where the caller lets the desk hear."""

from __future__ import annotations

import re
from collections.abc import Iterator
from secrets import token_hex
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.conftest import DRAWN, PATIENCE_MS, Demo, as_anybody, browser_path, keep, wait_for_promise
from tests.e2e.test_accessibility import faults, faults_here
from tests.e2e.test_presses import enter as sign_in
from tests.e2e.test_reports import center
from tests.e2e.test_safety import PRESSES, Officer, begin_shift, boss, place_of

pytestmark = pytest.mark.browser
__all__ = ["boss"]
SOON_MS = 2000
"""What one side writes is before the other within these."""
KEPT = """
const Made = RTCPeerConnection
window.made = []
window.RTCPeerConnection = function (...given) { const one = new Made(...given); window.made.push(one); return one }
"""
"""Every connection of the page can be asked how it stands."""
HEARD = """async () => {
  const one = window.made.at(-1)
  const track = one?.getReceivers().find((receiver) => receiver.track.kind === 'audio')?.track
  if (!track) return false
  if (!window.hears) {
    const context = new AudioContext()
    window.hears = context.createAnalyser()
    context.createMediaStreamSource(new MediaStream([track])).connect(window.hears)
    await context.resume()
  }
  const wave = new Float32Array(window.hears.fftSize)
  window.hears.getFloatTimeDomainData(wave)
  const stats = [...(await one.getStats()).values()].find((stat) => stat.type === 'inbound-rtp')
  return (stats?.bytesReceived ?? 0) > 1000 && wave.some((value) => Math.abs(value) > 0.01)
}"""
"""Bytes have arrived, and they are the beep of the other side's microphone."""


@pytest.fixture(scope="module")
def beeping(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser whose microphone beeps once a second, and may be used."""
    browser = chromium.browser_type.launch(
        executable_path=as_anybody(browser_path(), tmp_path_factory.mktemp("beeping")),
        args=[
            *DRAWN,
            "--use-fake-device-for-media-stream",
            "--use-fake-ui-for-media-stream",
            "--autoplay-policy=no-user-gesture-required",
        ],
    )
    yield browser
    browser.close()


def opened(browser: Browser, demo: Demo, **given: Any) -> Iterator[BrowserContext]:
    context = browser.new_context(base_url=demo.address, reduced_motion="reduce", **given)
    context.set_default_timeout(PATIENCE_MS)
    context.add_init_script(KEPT)
    yield context
    context.close()


@pytest.fixture
def desk(beeping: Browser, demo: Demo) -> Iterator[Page]:
    for context in opened(beeping, demo, locale="en-GB", viewport={"width": 1280, "height": 900}):
        page = context.new_page()
        sign_in(page, "safety-operator", "/safety/desk/")
        page.goto("/safety/desk/")
        if page.locator("[data-test-sound]").count():
            begin_shift(page)
        yield page


@pytest.fixture
def caller(beeping: Browser, demo: Demo) -> Iterator[Page]:
    """A telephone in Spanish, dark."""
    small = {"width": 360, "height": 740}
    for context in opened(
        beeping, demo, locale="es-ES", viewport=small, is_mobile=True, has_touch=True, color_scheme="dark"
    ):
        yield context.new_page()


@pytest.fixture
def answered(desk: Page, caller: Page, demo: Demo, boss: Officer) -> int:
    """A call that the caller's page follows and the desk has answered."""
    place = place_of("Talk")
    given = {"key": token_hex(16), "place": place}
    made = httpx.post(f"{demo.address}{PRESSES}", json=given, headers={"Accept-Language": "es"}, timeout=30).json()
    caller.goto(made["link"])
    row = desk.locator("[data-part=waiting] a").filter(has_text=place)
    row.focus()
    desk.keyboard.press("a")
    expect(desk.locator(f"[data-alert-shown='{made['alert']}']")).to_be_visible()
    expect(caller.locator("[data-stage]")).to_have_text(re.compile("respondi|contest|atend"), timeout=SOON_MS * 2)
    return int(made["alert"])


def test_they_write_to_each_other_within_two_seconds_and_see_what_was_read(
    desk: Page, caller: Page, answered: int
) -> None:
    talk = desk.locator("[data-talk]")
    caller.locator("#text").fill("detrás del quiosco")
    caller.locator("[data-write] button:not([name])").click()
    expect(talk.get_by_text("detrás del quiosco")).to_be_visible(timeout=SOON_MS)
    expect(caller.locator("[data-refresh-body] .said-own small")).to_contain_text("leíd", timeout=SOON_MS * 2)
    expect(caller.locator("[data-outbox] li")).to_have_count(0)
    caller.locator("[name=phrase][value=hidden]").click()
    expect(talk.get_by_text("I am hidden")).to_be_visible(timeout=SOON_MS)
    # Also while the operator writes.
    desk.locator("#reply").fill("We se")
    caller.locator("[name=phrase][value=no_door]").click()
    expect(talk.get_by_text("The caller asks: send nobody to the door.")).to_be_visible(timeout=SOON_MS)
    expect(desk.locator("#reply")).to_have_value("We se")
    desk.locator("#reply").fill("We see you")
    desk.keyboard.press("Enter")
    expect(caller.get_by_text("We see you")).to_be_visible(timeout=SOON_MS)
    desk.get_by_role("button", name="Help is on its way.").click()
    expect(caller.get_by_text("Help is on its way")).to_have_count(0)
    expect(talk.get_by_text("read by the caller")).to_have_count(2)
    expect(caller.locator("[data-refresh-body] .said-line:not(.said-own)")).to_have_count(2)
    for page, name in ((caller, "safety-talk-caller"), (desk, "safety-talk-desk")):
        assert faults_here(page) == []
        keep(page, name, drawn=False)
    wide = caller.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0


def test_without_a_network_a_message_waits_says_so_and_arrives_once(desk: Page, caller: Page, answered: int) -> None:
    caller.context.set_offline(True)
    caller.locator("#text").fill("sin red")
    caller.locator("[data-write] button:not([name])").click()
    waits = caller.locator("[data-outbox] li")
    expect(waits).to_have_attribute("data-state", "queued")
    keep(caller, "safety-talk-queued", drawn=False)
    caller.context.set_offline(False)
    expect(desk.locator("[data-talk]").get_by_text("sin red")).to_be_visible()
    expect(waits).to_have_count(0)
    assert desk.locator("[data-talk]").get_by_text("sin red").count() == 1


def test_the_desk_asks_and_one_press_lets_it_hear_the_caller_who_hears_it_too(
    desk: Page, caller: Page, answered: int
) -> None:
    assert caller.evaluate("window.made.length") == 0
    desk.locator("[data-voice-ask]").click()
    expect(caller.locator("[data-voice]")).to_have_attribute("data-now", "asked", timeout=SOON_MS)
    keep(caller, "safety-voice-asked", drawn=False)
    assert caller.evaluate("window.made.length") == 0, "nothing is on before the caller's press"
    caller.locator("[data-voice-start=both]").click()
    expect(desk.locator("[data-voice-bar]")).to_contain_text(f"Voice with alert {answered}")
    expect(caller.locator("[data-voice]")).to_have_attribute("data-now", "speaking")
    for page in (desk, caller):
        wait_for_promise(page, HEARD)
    expect(desk.locator("[data-talk]").get_by_text("speaking")).to_be_visible()
    assert faults_here(caller) == []
    keep(desk, "safety-voice-desk", drawn=False)
    keep(caller, "safety-voice-caller", drawn=False)
    # It ends with the alert.
    # As somebody at a keyboard does: what has the focus is not drawn anew.
    desk.locator("#outcome").focus()
    desk.locator("#outcome").select_option("helped")
    desk.get_by_role("button", name="Close", exact=True).press("Enter")
    expect(caller.locator("[data-voice]")).to_have_attribute("data-now", "ended")
    expect(desk.locator("[data-voice-bar]")).to_be_hidden()
    assert caller.evaluate("window.made.at(-1).connectionState") == "closed"


def test_who_hides_is_heard_and_hears_nothing(desk: Page, caller: Page, answered: int) -> None:
    caller.locator("[data-voice-start=listen]").click()
    expect(caller.locator("[data-voice]")).to_have_attribute("data-now", "ringing")
    desk.locator("[data-voice-take]").click()
    expect(desk.locator("[data-voice-bar]")).to_contain_text("Your microphone is off")
    wait_for_promise(desk, HEARD)
    kinds = caller.evaluate("async () => [...(await window.made.at(-1).getStats()).values()].map((stat) => stat.type)")
    assert "outbound-rtp" in kinds and "inbound-rtp" not in kinds
    caller.locator("[data-voice-end]").click()
    expect(desk.locator("[data-talk]").get_by_text("ended")).to_be_visible()
    expect(desk.locator("[data-voice-bar]")).to_be_hidden()


def test_who_cannot_reach_the_other_is_told_to_write(desk: Page, caller: Page, answered: int) -> None:
    caller.evaluate("() => { navigator.mediaDevices.getUserMedia = () => Promise.reject(new Error('refused')) }")
    caller.locator("[data-voice-start=both]").click()
    expect(caller.locator("[data-voice]")).to_have_attribute("data-now", "denied")
    assert caller.evaluate("window.made.length") == 0


RESIDENTS = ("/safety/", "/safety/warnings/", "/safety/escort/", "/safety/campaigns/", "/safety/open/")


@pytest.mark.parametrize(("language", "locale"), [("es", "es-ES"), ("ko", "ko-KR")])
def test_pages_of_residents_on_a_small_dark_telephone(
    chromium: Browser, demo: Demo, language: str, locale: str
) -> None:
    small = {"width": 320, "height": 640}
    for context in opened(
        chromium, demo, locale=locale, viewport=small, is_mobile=True, has_touch=True, color_scheme="dark"
    ):
        page = context.new_page()
        for path in RESIDENTS:
            assert faults(page, path) == [], path
            assert page.locator("html").get_attribute("lang") == language
            wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert wide <= 0, f"{path} is {wide} px wider than the screen"
            keep(page, f"safety-{language}{path.replace('/', '-').rstrip('-')}", drawn=False)


def test_who_follows_a_way_sees_on_the_map_where_somebody_was_last(chromium: Browser, phone: Page, demo: Demo) -> None:
    lon, lat = center(demo)
    phone.context.set_geolocation({"longitude": lon, "latitude": lat, "accuracy": 12})
    phone.context.grant_permissions(["geolocation"])
    phone.goto("/safety/escort/")
    phone.get_by_role("button", name="Begin").click()
    link = phone.locator("[data-escort-link]").inner_text()
    phone.get_by_role("button", name="Tell where I am").click()
    expect(phone.get_by_text("Your place is told while this page is open.")).to_be_visible()
    for context in opened(chromium, demo, locale="en-GB", viewport={"width": 360, "height": 740}, is_mobile=True):
        page = context.new_page()
        page.goto(link)
        expect(page.locator("[data-watch-map] city-map .maplibregl-marker")).to_be_visible()
        assert faults_here(page) == []
        keep(page, "safety-escort-watch")
        phone.get_by_role("button", name="I have arrived").click()
        expect(page.get_by_text("has arrived")).to_be_visible()
        expect(page.locator("[data-watch-map]")).to_be_hidden()
