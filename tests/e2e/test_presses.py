"""How many presses people need for what they come for, from the first page on: none of these may need more.

A press is a tap, a click or a suggestion that is chosen. Typing is none, opening the field that is typed into is one.
"""

from __future__ import annotations

import re
from secrets import token_hex

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.e2e.conftest import Demo, keep, wait_for_promise
from tests.e2e.test_account import code_of, sign_up, virtual_authenticator
from tests.e2e.test_reports import center, photo

pytestmark = pytest.mark.browser


class Counted:
    """A page whose presses are counted."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.presses = 0

    def press(self, what: Locator) -> None:
        self.presses += 1
        what.click()

    def select(self, field: str, value: str) -> None:
        self.presses += 1
        self.page.get_by_label(field, exact=True).select_option(value)

    def write(self, field: Locator, text: str) -> None:
        """Opens a field, one press, and types into it."""
        self.press(field)
        field.fill(text)

    def choose(self, field: str, text: str, name: str) -> None:
        """Opens a field that suggests, types, and takes what is called so: two presses."""
        self.write(self.page.get_by_role("combobox", name=field, exact=True), text)
        self.press(self.page.locator("[role=option]").filter(has_text=name).first)

    def link(self, name: str) -> Locator:
        return self.page.locator("main").get_by_role("link", name=name, exact=True).first

    def button(self, name: str) -> Locator:
        return self.page.locator("main").get_by_role("button", name=name).first


@pytest.fixture
def hand(phone: Page) -> Counted:
    """A phone at the front page."""
    phone.goto("/")
    return Counted(phone)


def at(page: Page, demo: Demo) -> None:
    """Lets the browser say that it is in the middle of the city."""
    lon, lat = center(demo)
    page.context.set_geolocation({"longitude": lon, "latitude": lat})
    page.context.grant_permissions(["geolocation"])


def enter(page: Page, account: str, then: str = "") -> None:
    """Signs in as one of the accounts that the demo offers, where they sign in."""
    page.goto("/accounts/login/" + (f"?next={then}" if then else ""))
    page.locator("form", has=page.locator(f"[value='{account}@demo.example']")).get_by_role("button").click()
    page.wait_for_url(lambda url: "/accounts/login" not in url)


def test_from_the_port_to_the_hospital_by_half_past_ten(hand: Counted) -> None:
    hand.choose("Where to?", "hospital", "General Hospital")
    hand.page.wait_for_url(re.compile(r"/transit/\?"))
    hand.choose("From", "port", "Port")
    hand.select("Leave or arrive", "arrive")
    hand.write(hand.page.get_by_label("Time", exact=True), "10:30")
    with hand.page.expect_response(re.compile("prefer=fewer_transfers.*")):
        hand.press(hand.page.locator("label.chip").filter(has_text="Fewer changes"))
    expect(hand.page).to_have_url(re.compile("mode=arrive&time=10%3A30.*prefer=fewer_transfers"))
    times = hand.page.locator("#results details.option:has(.line) .times")
    expect(times.first).to_have_text(re.compile(r" – (0\d|10):\d\d"))
    assert hand.presses <= 7


def test_the_next_bus_where_i_stand(phone: Page, demo: Demo) -> None:
    at(phone, demo)
    phone.goto("/")
    expect(phone.locator("[data-near-place] .next-wait").first).to_be_visible()
    keep(phone, "presses-near", drawn=False)


def test_an_alarm_for_when_to_leave(phone: Page) -> None:
    enter(phone, "resident")
    phone.goto("/transit/?from=University&to=Port&time=23:00")
    hand = Counted(phone)
    hand.press(hand.button("Follow this journey"))
    hand.press(hand.button("Tell me when to leave"))
    expect(phone.get_by_text("You will be told to leave at about")).to_be_visible()
    keep(phone, "presses-alarm", drawn=False)
    assert hand.presses <= 2


def test_a_passkey_with_a_new_account(phone: Page, demo: Demo) -> None:
    virtual_authenticator(phone)
    phone.goto("/accounts/signup/")
    hand = Counted(phone)
    email = f"eva-{token_hex(4)}@example.org"
    phone.get_by_label("Your e-mail address").fill(email)
    hand.press(hand.button("Send me a code"))
    phone.get_by_label("Code").fill(code_of(demo, email))
    hand.press(hand.button("Confirm"))
    hand.press(hand.button("Make a passkey"))
    phone.wait_for_url(re.compile("recovery-codes"))
    keep(phone, "presses-passkey")
    assert hand.presses <= 3


def test_a_press_before_the_scripts_came_is_not_lost(phone: Page) -> None:
    """What makes a passkey comes with a script: on a slow network the button waits for it, and says so."""
    virtual_authenticator(phone)
    held: list[Route] = []
    phone.route("**/mfa/js/webauthn.js", lambda route: held.append(route))
    phone.goto("/accounts/login/", wait_until="commit")
    button = phone.get_by_role("button", name="Sign in with a passkey")
    expect(button).to_be_disabled()
    while not held:
        phone.wait_for_timeout(20)
    held[0].continue_()
    button.click()
    expect(phone.get_by_text("This device gave no passkey. Try again, or go on with a code")).to_be_visible()


@pytest.mark.parametrize(
    ("account", "desk"),
    [
        ("reports-officer", "/reports/desk/"),
        ("transit-school", "/transit/school/office/"),
        ("transit-dispatcher", "/work/"),
    ],
)
def test_an_officer_begins_at_the_desk(desktop: Page, account: str, desk: str) -> None:
    """Who has several desks, at the page that has them side by side with what waits on each."""
    enter(desktop, account)
    expect(desktop).to_have_url(re.compile(f"{desk}$"))


def test_a_dispatcher_tells_riders(desktop: Page) -> None:
    enter(desktop, "transit-dispatcher", "/transit/control/")
    hand = Counted(desktop)
    hand.press(hand.link("Alerts and detours"))
    hand.press(desktop.get_by_role("navigation", name="What happened").get_by_role("link").first)
    hand.press(hand.button("Tell riders"))
    expect(desktop.locator("main").get_by_role("status").first).to_be_visible()
    keep(desktop, "presses-alert")
    assert hand.presses <= 3
    # Other tests look at the same city.
    desktop.goto("/transit/control/alerts/")
    hand.press(hand.button("Take back"))
    expect(hand.button("Undo")).to_be_visible()


def test_a_report_with_a_photo(hand: Counted, demo: Demo) -> None:
    lon, lat = center(demo)
    hand.press(hand.link("Report something"))
    with hand.page.expect_file_chooser() as asked:
        hand.press(hand.page.locator("label.photo-drop"))
    asked.value.set_files({"name": "a.jpg", "mimeType": "image/jpeg", "buffer": photo(lon, lat)})
    expect(hand.page.locator("[data-lon]")).not_to_have_value("")
    hand.press(hand.button("Street light out"))
    hand.press(hand.button("Send"))
    expect(hand.page).to_have_url(re.compile(r"/reports/follow/"))
    assert hand.presses <= 4


def test_a_favourite_stop_and_what_leaves_there(phone: Page, demo: Demo) -> None:
    at(phone, demo)
    phone.goto("/")
    hand = Counted(phone)
    stop = phone.locator("[data-near-place] a.near-stop").first
    name = stop.inner_text()
    hand.press(stop)
    star = hand.button("Favourite")
    hand.press(star)
    expect(star).to_have_attribute("aria-pressed", "true")
    keep(phone, "presses-stop", drawn=False)
    assert hand.presses <= 2
    phone.goto("/")
    hand = Counted(phone)
    hand.press(phone.get_by_role("navigation", name="The city").get_by_role("link", name="Me", exact=True))
    row = phone.locator("main li").filter(has_text=name)
    expect(row.locator(".next-wait, .soft").first).to_be_visible()
    keep(phone, "presses-favourite")
    assert hand.presses <= 1


def school_office(page: Page, parent: str) -> str:
    """A pupil of a school bus, whose guardian has an account; returns the pupil's reference."""
    enter(page, "transit-school")
    pupil = f"P{token_hex(3)}"
    page.get_by_label("Vehicle id").fill(pupil)
    page.get_by_role("button", name="Make it a school bus").click()
    page.get_by_label("Number or initials").fill(pupil)
    page.get_by_label("Bus", exact=True).select_option(pupil)
    for field, text in (("Stop", "university"), ("School", "port")):
        page.get_by_role("combobox", name=field, exact=True).fill(text)
        page.locator("[role=listbox]:not([hidden]) [role=option]").first.click()
    page.get_by_role("button", name="Enter", exact=True).click()
    page.get_by_label(f"Address of a guardian of {pupil}").fill(parent)
    page.locator("form", has=page.get_by_label(f"Address of a guardian of {pupil}")).get_by_role("button").click()
    expect(page.locator("main").get_by_text(parent).first).to_be_visible()
    return pupil


def test_a_parent_sees_the_school_bus(phone: Page, desktop: Page, demo: Demo) -> None:
    """Once the school has entered the address of their account."""
    parent = f"parent-{token_hex(4)}@example.org"
    virtual_authenticator(phone)
    sign_up(phone, demo, parent, passkey=True)
    pupil = school_office(desktop, parent)
    phone.goto("/")
    hand = Counted(phone)
    hand.press(hand.link("School bus"))
    hand.press(hand.button("I agree"))
    hand.press(hand.link(pupil))
    expect(phone.get_by_role("heading", level=1)).to_contain_text(pupil)
    keep(phone, "presses-school", drawn=False)
    assert hand.presses <= 3


YESTERDAY = """async () => {
    const cache = await caches.open('cityhall-pages-1')
    for (const request of await cache.keys()) {
        const known = await cache.match(request)
        const headers = new Headers(known.headers)
        if (!headers.has('X-Kept-At')) continue
        headers.set('X-Kept-At', String(Number(headers.get('X-Kept-At')) - 86_400_000))
        await cache.put(request, new Response(await known.text(), { headers }))
    }
}"""


def test_yesterdays_pages_without_a_network(phone: Page) -> None:
    phone.goto("/")
    phone.evaluate("navigator.serviceWorker.ready.then(() => true)")
    for path in ("/transit/lines/", "/"):
        phone.goto(path)
        wait_for_promise(phone, f"() => caches.match('{path}')")
    phone.evaluate(YESTERDAY)
    phone.context.set_offline(True)
    phone.goto("/")
    hand = Counted(phone)
    hand.press(hand.link("All lines"))
    expect(phone.get_by_role("link", name=re.compile("T1")).first).to_be_visible()
    expect(phone.locator("[data-kept-page]")).to_contain_text(re.compile("As of Tue.* Jun"))
    keep(phone, "presses-offline")
    assert hand.presses <= 1
