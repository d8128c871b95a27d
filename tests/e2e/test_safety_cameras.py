"""Cameras beside an alert in the demo: pictures, film and what is kept, in a browser."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Demo, keep
from tests.e2e.test_accessibility import faults_here
from tests.e2e.test_contract import faults
from tests.e2e.test_presses import enter as sign_in
from tests.e2e.test_safety import Officer, boss, place_of, press, screen

__all__ = ["boss", "screen"]
pytestmark = pytest.mark.browser


def beside_a_camera(boss: Officer) -> dict[str, float]:
    """A place that a camera of the demo looks at."""
    number = re.findall(r"/safety/cameras/(\d+)/", boss.client.get("/safety/cameras/").text)[0]
    page = boss.client.get(f"/safety/cameras/{number}/").text
    lon, lat = (float(re.findall(rf'name="{name}" value="([-\d.]+)"', page)[0]) for name in ("lon", "lat"))
    return {"lon": lon, "lat": lat + 0.00027}


def test_an_operator_sees_watches_and_keeps_what_a_camera_near_the_alert_sees(
    screen: Page, demo: Demo, boss: Officer
) -> None:
    place = place_of("Camera")
    number = press(demo, place, **beside_a_camera(boss))
    screen.locator("[data-part=waiting]").get_by_role("link", name=re.compile(place)).click()
    panel = screen.get_by_role("region", name="Chosen alert")
    camera = panel.locator(".camera-row").first
    picture = camera.get_by_role("img", name=re.compile("^What camera .* sees$"))
    expect(picture).to_be_visible()
    assert picture.evaluate("(image) => image.naturalWidth") == 640
    expect(camera.locator("[data-camera-said]")).to_have_text(re.compile(r"^(Now|\d+ s ago)$"))
    assert faults_here(screen) == []
    keep(screen, "safety-cameras", drawn=False)
    with screen.context.expect_page() as opened:
        camera.get_by_role("link", name=re.compile("^Watch it")).click()
    film = opened.value
    video = film.locator("video")
    expect(film.get_by_text("in the journal")).to_be_visible()
    until = time.monotonic() + 30
    while not film.evaluate("document.querySelector('video').currentTime > 0"):
        assert time.monotonic() < until, "the film does not go on"
        film.wait_for_timeout(200)
    expect(video).to_be_visible()
    assert faults_here(film) == []
    keep(film, "safety-camera-film", drawn=False)
    film.close()
    camera.get_by_role("button", name=re.compile("^Keep the last 30 s and the next 60 s")).click()
    expect(panel.get_by_text("being kept").first).to_be_visible()
    page = boss.client.get(f"/safety/alerts/{number}/").text
    assert "What a camera sees is being kept" in page


def test_the_register_and_the_evidence_keep_to_what_every_page_keeps_to(desktop: Page, boss: Officer) -> None:
    sign_in(desktop, "safety-supervisor")
    number = re.findall(r"/safety/cameras/(\d+)/", boss.client.get("/safety/cameras/").text)[0]
    for path in ("/safety/cameras/", f"/safety/cameras/{number}/", "/evidence/"):
        assert faults(desktop, path) == []
        keep(desktop, "safety-" + path.strip("/").replace("/", "-"), drawn=False)
    desktop.goto(f"/safety/cameras/{number}/")
    desktop.get_by_role("button", name="Try it").click()
    expect(desktop.get_by_text("The camera answers")).to_be_visible()
