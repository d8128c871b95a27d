"""Cards, splitting and an exercise at the control desk, by keys."""

from __future__ import annotations

import re
from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Demo, keep
from tests.e2e.test_accessibility import LARGE, faults, faults_here
from tests.e2e.test_presses import enter as sign_in
from tests.e2e.test_safety import Officer, boss, place_of, press, screen

__all__ = ["boss", "screen"]
pytestmark = pytest.mark.browser


def test_cards_by_single_keys_and_a_second_incident_is_split_off(screen: Page, demo: Demo, boss: Officer) -> None:
    place = place_of("Stand")
    number = press(demo, place, kind="medical")
    row = screen.locator("[data-part=waiting]").get_by_role("link", name=re.compile(place))
    row.focus()
    screen.keyboard.press("a")
    heading = screen.locator(f"[data-alert-shown='{number}'] h2")
    expect(heading).to_be_focused()
    panel = screen.locator("[data-alert-panel]")
    current = panel.locator("[data-card] [data-current]")
    expect(current).to_contain_text("Is the person breathing?")
    assert faults_here(screen) == []
    keep(screen, "safety-desk-card", drawn=False)
    # Not breathing: it is urgent from now on, and the next question stands there.
    screen.keyboard.press("2")
    expect(current).to_contain_text("Does the person answer")
    expect(panel.get_by_text("Is the person breathing? No")).to_be_visible()
    (mine,) = [one for one in boss.queue() if one["id"] == number]
    assert mine["priority"] == 0
    screen.keyboard.press("p")
    expect(screen.locator("#split-kind")).to_be_focused()
    screen.locator("#split-kind").select_option("fire")
    screen.keyboard.press("Tab")
    screen.keyboard.type("the stall burns")
    screen.keyboard.press("Enter")
    expect(panel.get_by_role("heading", name="Split off from this alert")).to_be_visible()
    second = screen.locator("[data-part=waiting]").get_by_role("link", name=re.compile(rf"fire · {place}"))
    expect(second).to_be_visible()
    assert faults_here(screen) == []
    assert {one["kind"] for one in boss.at(place)} == {"medical", "fire"}


def test_an_exercise_from_its_beginning_to_its_end(screen: Page, phone: Page, demo: Demo, boss: Officer) -> None:
    sign_in(phone, "safety-supervisor", "/safety/exercises/")
    assert faults(phone, "/safety/exercises/") == []
    name, place = place_of("Drill"), place_of("School")
    phone.get_by_label("Name").fill(name)
    phone.get_by_role("button", name="Begin the exercise").press("Enter")
    expect(phone.get_by_role("heading", name=re.compile(f"EXERCISE.*{name}"))).to_be_visible()
    going = phone.get_by_role("form", name="A press that is pretended")
    going.get_by_label("Place").fill(place)
    going.get_by_role("button", name="Pretend a press").press("Enter")
    row = screen.locator("[data-control] li").filter(has_text=place)
    expect(row.get_by_text("EXERCISE")).to_be_visible()
    row.get_by_role("link").focus()
    screen.keyboard.press("o")
    panel = screen.locator("[data-alert-panel]")
    expect(panel.get_by_text("EXERCISE", exact=True)).to_be_visible()
    keep(screen, "safety-desk-exercise", drawn=False)
    keep(phone, "safety-exercises", drawn=False)
    assert faults_here(phone) == [] and faults_here(screen) == []
    phone.get_by_role("button", name="End the exercise").press("Enter")
    expect(phone.get_by_text("No exercise is going on.")).to_be_visible()
    expect(screen.locator("[data-control] li").filter(has_text=place)).to_have_count(0)
    expect(phone.get_by_text(name)).to_be_visible()


PAGES = {
    "cards": "/safety/cards/",
    "card": "/safety/cards/medical/",
    "places": "/safety/places/",
    "centres": "/safety/centres/",
    "exercises": "/safety/exercises/",
    "cameras": "/safety/cameras/",
    "doors": "/safety/doors/",
    "company": "/safety/doors/1/",
    "incidents": "/safety/incidents/",
    "stickers": "/safety/stickers/",
    "buttons": "/safety/buttons/",
    "figures": "/safety/figures/",
}


def test_the_registers_are_read_by_all_and_fit_a_narrow_screen(phone: Page, demo: Demo) -> None:
    sign_in(phone, "safety-supervisor", "/safety/desk/")
    phone.set_viewport_size({"width": 320, "height": 640})
    for name, path in PAGES.items():
        assert faults(phone, path) == [], path
        phone.evaluate("document.querySelectorAll('main details').forEach((one) => (one.open = true))")
        wide = phone.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{path} is {wide} px wider than the screen"
        keep(phone, f"safety-{name}", drawn=False)


@pytest.mark.parametrize(("width", "colours"), [(390, "dark"), (1280, "light")])
def test_the_registers_fit_with_text_twice_as_large(
    desktop: Page, demo: Demo, width: int, colours: Literal["light", "dark"]
) -> None:
    """On both, signed in, with all that an officer has in the header (WCAG 2.2, 1.4.4)."""
    desktop.set_viewport_size({"width": width, "height": 844})
    desktop.emulate_media(color_scheme=colours)
    desktop.add_init_script(LARGE)
    sign_in(desktop, "safety-supervisor", "/safety/desk/")
    for path in ("/safety/desk/", *PAGES.values()):
        assert faults(desktop, path) == [], path
        desktop.evaluate("document.querySelectorAll('main details').forEach((one) => (one.open = true))")
        wide = desktop.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{path} is {wide} px wider than the screen"
