"""A resident reports something, with the network and without it; an officer answers."""

from __future__ import annotations

import io
import re
import subprocess
import sys

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.e2e.conftest import ROOT, Demo, keep, outside, wait_for_promise
from tests.e2e.test_accessibility import faults
from tests.e2e.test_account import sign_up
from tests.services.reports.conftest import encoded, traffic_light

pytestmark = pytest.mark.browser


def photo(lon: float, lat: float) -> bytes:
    """A photo with the place where it was taken."""

    def parts(value: float) -> tuple[float, float, float]:
        whole = abs(value)
        return int(whole), int(whole * 60) % 60, whole * 3600 % 60

    exif = Image.Exif()
    exif[0x8825] = {1: "S" if lat < 0 else "N", 2: parts(lat), 3: "W" if lon < 0 else "E", 4: parts(lon)}
    out = io.BytesIO()
    Image.new("RGB", (800, 600), "#7a8a99").save(out, "JPEG", exif=exif)
    return out.getvalue()


def center(demo: Demo) -> tuple[float, float]:
    import tomllib

    lon, lat = tomllib.loads((demo.data / "demo" / "city.toml").read_text())["map"]["center"]
    return lon, lat


def add_photo(page: Page, lon: float, lat: float) -> None:
    """Chooses a photo taken there."""
    file = {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": photo(lon, lat)}
    page.locator("#photos").set_input_files(file)  # type: ignore[arg-type]


def describe(page: Page, text: str, category: str = "graffiti") -> None:
    page.get_by_label("Describe it in a few words").fill(text)
    page.get_by_label("About", exact=True).select_option(category)


def filed(demo: Demo, text: str, category: str = "graffiti") -> int:
    listed = httpx.get(f"{demo.address}/api/reports/?category={category}&limit=200", timeout=60).json()
    return sum(one["text"] == text for one in listed)


def test_in_under_a_minute_on_a_phone(phone: Page, demo: Demo) -> None:
    lon, lat = center(demo)
    phone.goto("/reports/new/")
    add_photo(phone, lon, lat)
    expect(phone.locator("[data-place-said]")).to_have_text("The place was read from your photo.")
    assert abs(float(phone.locator("[data-lon]").input_value()) - lon) < 1e-4
    expect(phone.get_by_label("Where it is", exact=True)).to_be_attached()
    phone.get_by_label("Describe it in a few words").fill("the street light is out")
    suggested = phone.locator("[data-suggestions]").get_by_role("button", name="Street light out")
    suggested.click()
    expect(phone.get_by_label("About", exact=True)).to_have_value("streetlight")
    keep(phone, "report-new")
    phone.get_by_role("button", name="Send").click()
    expect(phone).to_have_url(re.compile(r"/reports/follow/[\w-]{43}/"))
    expect(phone.get_by_role("heading", level=1)).to_have_text("Street light out")
    expect(phone.get_by_role("button", name="Copy the address")).to_be_visible()
    expect(phone.get_by_label("Here it is")).to_be_visible()
    keep(phone, "report-follow")
    phone.goto("/reports/sent/")
    # The demo's officers may have taken it up by now.
    expect(phone.locator(".sent-row .state")).not_to_be_empty()
    # Somebody else, who sees the same, is shown it and joins.
    phone.goto("/reports/new/")
    add_photo(phone, lon, lat)
    phone.get_by_label("About", exact=True).select_option("streetlight")
    expect(phone.get_by_role("heading", name="Is it one of these?")).to_be_visible()
    phone.get_by_role("button", name="Me too").first.click()
    expect(phone.get_by_role("button", name="Thank you: you were counted.")).to_be_visible()


def test_a_photo_suggests_what_it_is_and_chooses_nothing(phone: Page, demo: Demo) -> None:
    phone.goto("/reports/new/")
    file = {"name": "a.png", "mimeType": "image/png", "buffer": encoded(traffic_light())}
    with phone.expect_request(lambda request: request.method == "POST") as sent:
        phone.locator("#photos").set_input_files(file)
    assert sent.value.url.endswith("/api/reports/suggest")
    suggested = phone.locator("[data-suggestions]").get_by_role("button", name="Traffic light or sign")
    expect(suggested).to_be_visible()
    expect(phone.get_by_label("About", exact=True)).to_have_value("")
    keep(phone, "report-photo-suggests")
    phone.get_by_label("Describe it in a few words").fill("there is a deep hole in the road")
    expect(phone.get_by_role("button", name="Hole in the road")).to_be_visible()
    phone.get_by_label("Describe it in a few words").fill("")
    expect(suggested).to_be_visible()
    phone.get_by_role("button", name="Remove this photo").click()
    expect(suggested).to_be_hidden()
    phone.context.set_offline(True)
    phone.locator("#photos").set_input_files(file)
    expect(phone.locator("[data-photo-list] img")).to_be_visible()
    expect(phone.locator("[data-suggestions]")).to_be_hidden()


def test_without_a_network_it_is_kept_and_sent_once(desktop: Page, demo: Demo) -> None:
    lon, lat = center(demo)
    desktop.goto("/reports/")
    desktop.evaluate("navigator.serviceWorker.ready.then(() => true)")
    desktop.goto("/reports/new/")
    wait_for_promise(desktop, "() => caches.match('/reports/new/')")
    desktop.context.set_offline(True)
    desktop.goto("/reports/new/")
    expect(desktop.get_by_role("heading", level=1)).to_have_text("Report something")
    add_photo(desktop, lon, lat)
    expect(desktop.locator("[data-lon]")).not_to_have_value("")
    text = "It fell in the tunnel, where there is no network"
    describe(desktop, text, "tree")
    desktop.get_by_role("button", name="Send").click()
    expect(desktop.locator("[data-problem]")).to_have_text("“Does it block the way?” is not answered.")
    expect(desktop.get_by_label("How deep is it?")).to_be_hidden()
    desktop.get_by_label("yes, the pavement").check()
    desktop.get_by_role("button", name="Send").click()
    expect(desktop.locator("[data-said]")).to_contain_text("kept on this device")
    keep(desktop, "report-offline", drawn=False)
    assert filed(demo, text, "tree") == 0
    desktop.goto("/reports/sent/")
    expect(desktop.locator("[data-sent-list]")).to_contain_text("waits for a network")
    desktop.context.set_offline(False)
    # A page that is open, and the service worker, may both send it now: it is filed once.
    desktop.goto("/reports/sent/")
    desktop.evaluate("dispatchEvent(new Event('online')); dispatchEvent(new Event('online'))")
    expect(desktop.locator("[data-sent-list] a")).to_have_attribute("href", re.compile(r"/reports/follow/"))
    assert filed(demo, text, "tree") == 1
    desktop.locator("[data-sent-list] a").click()
    expect(desktop.locator(".said")).to_have_text(text)
    expect(desktop.locator(".facts").last).to_contain_text("yes, the pavement")
    expect(desktop.locator(".photo-list img")).to_be_visible()


def test_the_form_is_at_hand_after_one_visit(phone: Page) -> None:
    phone.goto("/reports/new/")
    wait_for_promise(phone, "() => caches.match('/reports/new/')")
    wait_for_promise(
        phone,
        """() => caches.open('cityhall-1').then((cache) => cache.keys())
            .then((all) => all.some((one) => one.url.includes('/filing-')))""",
    )
    # What the page is built of is kept with it; the map, which it loads later, needs a network anyway.
    lost = phone.evaluate(
        """async () => {
            const text = await (await caches.match('/reports/new/')).text()
            const page = new DOMParser().parseFromString(text, 'text/html')
            const named = [...page.querySelectorAll('link[rel=stylesheet], link[rel=modulepreload], script[src]')]
                .map((one) => one.getAttribute('href') ?? one.getAttribute('src'))
            const found = await Promise.all(named.map((one) => caches.match(one)))
            return named.length ? named.filter((_, row) => !found[row]) : ['nothing is named']
        }"""
    )
    assert lost == []
    phone.context.set_offline(True)
    phone.goto("/reports/new/")
    expect(phone.locator("form[data-report-form]")).to_have_attribute("data-awake", "1")
    expect(phone.locator(".photo-drop").first).to_have_css("border-top-style", "dashed")
    keep(phone, "report-offline-first-visit", drawn=False)


def test_a_city_that_takes_no_more_for_now_is_no_lost_network(phone: Page, demo: Demo) -> None:
    lon, lat = center(demo)
    refusal = {"status": 429, "headers": {"Retry-After": "1800"}, "json": {"message": "Many came from here."}}
    phone.route("**/api/reports/", lambda route: route.fulfill(**refusal))  # type: ignore[arg-type]
    phone.goto("/reports/new/")
    add_photo(phone, lon, lat)
    expect(phone.locator("[data-lon]")).not_to_have_value("")
    text = "The twenty-first of this hour"
    describe(phone, text, "other")
    phone.get_by_role("button", name="Send").click()
    said = phone.locator("[data-said]")
    expect(said).to_contain_text(re.compile(r"takes no more for now.*kept on this device.*tried again at .*\d\d:\d\d"))
    expect(said).not_to_contain_text("network")
    keep(phone, "report-held")
    phone.goto("/reports/sent/")
    expect(phone.locator(".sent-row")).to_contain_text("many came from here")
    # What is refused for good is kept too, and says why; once the city takes it, it is filed.
    refusal |= {"status": 422, "headers": {}}
    phone.get_by_role("button", name="Send now").click()
    expect(phone.locator(".sent-row")).to_contain_text("was refused: Many came from here.")
    keep(phone, "report-refused")
    phone.unroute("**/api/reports/")
    assert filed(demo, text, "other") == 0
    phone.get_by_role("button", name="Send now").click()
    expect(phone.locator(".sent-row a")).to_have_attribute("href", re.compile(r"/reports/follow/"))
    assert filed(demo, text, "other") == 1


def officer(page: Page, demo: Demo) -> None:
    """Signs in as somebody who may work on every report."""
    sign_up(page, demo, "desk@example.org")
    manage = [sys.executable, "-m", "cityhall.cli", "manage", "--data", str(demo.data), "shell", "-c"]
    code = "from cityhall.kernel.people.models import Membership, Person;"
    code += "person = Person.objects.get(email='desk@example.org');"
    code += "Membership.objects.create(person=person, role='reports.officer');"
    code += "Membership.objects.create(person=person, role='reports.router')"
    subprocess.run([*manage, code], check=True, env=outside(), cwd=ROOT)


def reporter_says(page: Page, link: str) -> None:
    """It is not done, and then it is: a browser sends these forms only where the page's headers let it."""
    page.goto(link)
    page.get_by_text("No, it is not done").click()
    page.get_by_label("What is still wrong?").fill("I still see it.")
    page.get_by_role("button", name="Reopen it").click()
    expect(page.locator("main").get_by_role("status").first).to_contain_text("Thank you")
    expect(page.locator(".story")).to_contain_text("It was reopened.")


def test_the_desk_by_keyboard(desktop: Page, demo: Demo) -> None:
    # City Hall has no simulated officers: nobody else takes these up.
    lon, lat = center(demo)
    links: dict[int, str] = {}
    for number in range(2):
        values = {"category": "other", "text": f"A lost umbrella {number}", "lon": lon, "lat": lat}
        made = httpx.post(f"{demo.address}/api/reports/", data=values, timeout=60).raise_for_status().json()
        links[made["id"]] = made["link"]
    # Who filed it has its page open all the while.
    following = desktop.context.new_page()
    following.goto(next(iter(links.values())))
    officer(desktop, demo)
    desktop.goto("/reports/desk/?category=other&text=umbrella")
    expect(desktop.locator("[data-row]")).to_have_count(2)
    for key in ("j", "x", "j", "x"):
        desktop.keyboard.press(key)
    expect(desktop.locator("[data-row] input:checked")).to_have_count(2)
    keep(desktop, "desk")
    desktop.get_by_role("button", name="Do it").click()
    expect(desktop.locator("main").get_by_role("status").first).to_contain_text("2 were changed")
    expect(following.locator(".state")).to_have_text("accepted", timeout=40_000)
    expect(following.locator(".way time")).to_have_count(2)
    expect(following.locator(".story")).to_contain_text("It was accepted.")
    keep(following, "report-follow-itself")
    desktop.keyboard.press("j")
    desktop.keyboard.press("Enter")
    expect(desktop).to_have_url(re.compile(r"/reports/desk/\d+/$"))
    case = desktop.url
    desktop.get_by_label("Told to the resident").fill("A new one comes on Monday.")
    desktop.get_by_role("button", name="Start work").click()
    expect(desktop.get_by_text("being worked on").first).to_be_visible()
    desktop.get_by_role("button", name="Resolve").click()
    expect(desktop.locator(".state").first).to_have_text("resolved")
    assert faults(desktop, case) == []
    desktop.get_by_role("button", name="Undo").click()
    expect(desktop.locator(".state").first).to_have_text("being worked on")
    desktop.get_by_role("button", name="Resolve").click()
    expect(desktop.locator(".state").first).to_have_text("resolved")
    reporter_says(desktop, links[int(case.split("/")[-2])])
    desktop.goto(case)
    paths = ("/reports/desk/", desktop.url, "/reports/desk/field/", "/reports/desk/rules/")
    assert [faults(desktop, path) for path in paths] == [[], [], [], []]


def test_what_is_refused_says_what_to_do(desktop: Page) -> None:
    desktop.goto("/reports/new/")
    describe(desktop, "Somewhere")
    desktop.get_by_role("button", name="Send").click()
    expect(desktop.locator("[data-problem]")).to_have_text("Press on the map where it is, or type the address.")
    expect(desktop.get_by_role("combobox", name="Address")).to_be_focused()


def test_the_public_map_and_list(desktop: Page, demo: Demo) -> None:
    lon, lat = center(demo)
    httpx.post(
        f"{demo.address}/api/reports/",
        data={"category": "other", "text": "<b>Fallen</b>", "lon": lon, "lat": lat},
        timeout=60,
    ).raise_for_status()
    desktop.goto("/reports/?category=other")
    row = desktop.locator(".report-row").first
    expect(row).to_contain_text("<b>Fallen</b>")
    keep(desktop, "reports")
    row.click()
    expect(desktop.get_by_role("heading", level=1)).to_have_text("Something else")
    desktop.get_by_role("button", name="Me too").click()
    expect(desktop.locator("main").get_by_role("status")).to_contain_text("Thank you")
