"""Maps and data of other servers, brought by an officer: MapProxy's WMS and tiles, another city's OGC API."""

from __future__ import annotations

import io
import math
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from cityhall.engines.tiles import to_world
from tests.e2e.conftest import ROOT, Demo, outside, start, stop_demo
from tests.e2e.test_one_map import CHIEF, PASSWORD, accessible, keep, opened, sign_in

pytestmark = pytest.mark.browser
CENTER = (-29.42, 36.34)
HALF_M, HALF_WIDTH_M, PIXELS = math.pi * 6_378_137, 20_000, 512
QUARTERS = {(-1, -1): (220, 0, 0), (1, -1): (0, 160, 0), (-1, 1): (0, 0, 220), (1, 1): (230, 200, 0)}
"""The colour of each quarter of the other server's map, by the side (east, south) of the city's middle it is on."""
CITY_TOML = f"""
name = "Nextville"
slug = "nextville"
timezone = "Atlantic/Azores"
languages = ["en"]
currency = "EUR"
services = ["map"]
[map]
center = [{CENTER[0]}, {CENTER[1]}]
bounds = [-29.6, 36.2, -29.2, 36.5]
zoom = 11
[service.map]
servers = ["localhost"]
"""
MAPPROXY = """
services:
  wms: {{versions: ['{version}'], srs: {srs}, md: {{title: The region's maps}}}}
  tms: {{use_grid_names: true, origin: nw}}
layers:
  - {{name: four-quarters, title: Four quarters, sources: [quarters]}}
  - {{name: tiles, title: The same as tiles, tile_sources: [tiles]}}
caches:
  quarters: {{grids: [city], sources: [], cache: {{type: file, directory: '{folder}', directory_layout: tms}}}}
  tiles: {{grids: [web], sources: [quarters], disable_storage: true}}
grids:
  city:
    {{srs: 'EPSG:3857', bbox: {bbox}, res: [{twice}, {res}], tile_size: [512, 512], origin: nw, max_shrink_factor: 99}}
  web: {{base: GLOBAL_WEBMERCATOR, origin: nw}}
"""
Reply = Callable[..., Any]


class Quiet(WSGIRequestHandler):
    def log_message(self, *_arguments: Any) -> None:
        pass


class Threads(ThreadingMixIn, WSGIServer):
    daemon_threads = True


def picture() -> Image.Image:
    made = Image.new("RGB", (PIXELS, PIXELS))
    middle = PIXELS // 2
    for (east, south), colour in QUARTERS.items():
        left, top = (middle if side > 0 else 0 for side in (east, south))
        made.paste(colour, (left, top, left + middle, top + middle))
    return made


@pytest.fixture(scope="session")
def maps(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """MapProxy with a WMS of each version, one that speaks degrees only, tiles, and doors at which nothing good is."""
    from mapproxy.multiapp import make_wsgi_app

    folder = tmp_path_factory.mktemp("maps")
    (folder / "tiles/1/0").mkdir(parents=True)
    picture().save(folder / "tiles/1/0/0.png")
    u, v = to_world(*CENTER)
    x, y = (2 * float(u) - 1) * HALF_M, (1 - 2 * float(v)) * HALF_M
    bbox = [x - HALF_WIDTH_M, y - HALF_WIDTH_M, x + HALF_WIDTH_M, y + HALF_WIDTH_M]
    (folder / "apps").mkdir()
    kinds = {"new": ("1.3.0", ["EPSG:3857", "EPSG:4326"]), "old": ("1.1.1", ["EPSG:3857"])}
    for name, (version, srs) in (kinds | {"degrees": ("1.3.0", ["EPSG:4326"])}).items():
        res = 2 * HALF_WIDTH_M / PIXELS
        text = MAPPROXY.format(version=version, srs=srs, folder=folder / "tiles", bbox=bbox, res=res, twice=2 * res)
        (folder / "apps" / f"{name}.yaml").write_text(text)
    proxy = make_wsgi_app(str(folder / "apps"))

    def door(environment: dict[str, Any], reply: Reply) -> Iterable[bytes]:
        path = environment["PATH_INFO"]
        if path.startswith("/closed/"):
            body = io.BytesIO()
            picture().save(body, "PNG")
            reply("200 OK", [("Content-Type", "image/png")])
            return [body.getvalue()]
        if path.startswith("/rubbish"):
            reply("200 OK", [("Content-Type", "text/html"), ("Access-Control-Allow-Origin", "*")])
            return [b"<p>Welcome to our<br>web site"]
        return proxy(environment, reply)  # type: ignore[no-any-return]

    server = make_server("localhost", 0, door, Threads, Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://localhost:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A second city, with nothing but a map, that may ask servers of this machine."""
    data = tmp_path_factory.mktemp("town")
    (data / "nextville").mkdir()
    (data / "nextville" / "city.toml").write_text(CITY_TOML)
    running = start("up", data, data / "log.txt", "--city", "nextville")
    try:
        command = [sys.executable, "-m", "cityhall.cli", "manage", "--city", "nextville", "--data", str(data)]
        environment = outside() | {"DJANGO_SUPERUSER_PASSWORD": PASSWORD}
        subprocess.run(
            [*command, "createsuperuser", "--noinput", "--email", CHIEF], env=environment, cwd=ROOT, check=True
        )
        yield running
    finally:
        stop_demo(running)


@pytest.fixture
def officer(chromium: Browser, town: Demo) -> Iterator[Page]:
    """Who may publish, at the page on which one brings data."""
    context = chromium.new_context(base_url=town.address, locale="en-GB", viewport={"width": 1280, "height": 800})
    context.set_default_timeout(20_000)
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    sign_in(page, CHIEF)
    page.goto("/map/data-sets/")
    yield page
    context.close()
    assert faults == []


def form(page: Page, kind: str, address: str, name: str) -> None:
    page.get_by_text("Add one").click()
    page.get_by_label("Kind").select_option(kind)
    page.get_by_label("Address", exact=True).fill(address)
    if kind == "xyz":
        page.locator("#outside-name").fill(name)
        page.get_by_label("Whose it is").fill("<b>The region</b>")


def middle(page: Page) -> dict[tuple[int, int], tuple[int, int, int]]:
    """The colours of the map to each side of its middle."""
    box = page.locator("city-map").bounding_box()
    assert box is not None
    shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    return {(east, south): shot.getpixel((x + 90 * east, y + 90 * south)) for east, south in QUARTERS}  # type: ignore[misc]


def near(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    return all(abs(a - b) < 60 for a, b in zip(one, other, strict=True))


def seen_on_the_map(page: Page, maps: str, name: str) -> None:
    """The other server's map is where it should be on the earth, and the page may ask that server and no other."""
    with page.expect_response(lambda answer: answer.url.endswith("/map/")) as answer:
        opened(page)
    policy = dict(part.strip().split(" ", 1) for part in answer.value.headers["content-security-policy"].split(";"))
    assert policy["connect-src"] == f"'self' {maps}" and policy["img-src"] == f"'self' data: blob: {maps}"
    before = middle(page)
    assert not any(near(colour, before[side]) for side, colour in QUARTERS.items())
    with page.expect_response(lambda answer: answer.url.startswith(maps) and answer.ok):
        page.get_by_role("checkbox", name=name).check()
    page.wait_for_timeout(2_000)
    keep(page, f"outside-{name.lower()}")
    after = middle(page)
    assert all(near(colour, after[side]) for side, colour in QUARTERS.items()), after
    whose = page.locator(".maplibregl-ctrl-attrib-inner")
    assert whose.locator("b").count() == 0 and "<b>The region</b>" in (whose.text_content() or "")
    page.goto("/map/data-sets/")
    page.locator("li", has_text=name).get_by_role("button", name="Take it away").click()
    expect(page.get_by_text("Saved.")).to_be_visible()


@pytest.mark.parametrize("door", ["new", "old"])
def test_a_wms_is_chosen_by_its_layers_names(officer: Page, maps: str, door: str) -> None:
    """WMS 1.3.0 and 1.1.1; the address as people copy it, with a request in it."""
    page = officer
    form(page, "wms", f"{maps}/{door}/service?SERVICE=WMS&REQUEST=GetCapabilities", "")
    page.get_by_role("button", name="See which layers it has").press("Enter")
    choice = page.get_by_label("Layer", exact=True)
    choice.wait_for()
    assert choice.locator("option").all_inner_texts() == ["Four quarters"]
    expect(choice).to_be_focused()
    accessible(page)
    keep(page, f"wms-{door}")
    page.locator("#outside-name").fill(f"Quarters {door}")
    page.get_by_label("Whose it is").fill("<b>The region</b>")
    page.get_by_role("button", name="Add it to the map").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    seen_on_the_map(page, maps, f"Quarters {door}")


def test_tiles_of_another_server(officer: Page, maps: str) -> None:
    page = officer
    form(page, "xyz", f"{maps}/new/tiles/1.0.0/tiles/web/{{z}}/{{x}}/{{y}}.png", "Quarters tiles")
    page.get_by_role("button", name="Add it to the map").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    seen_on_the_map(page, maps, "Quarters tiles")


WRONG = {
    "rubbish": ("xyz", "/rubbish/{z}/{x}/{y}.png", "it sends no picture: <p>Welcome to our"),
    "missing": ("xyz", "/new/tiles/1.0.0/none/web/{z}/{x}/{y}.png", "HTTP 404"),
    "closed": ("xyz", "/closed/{z}/{x}/{y}.png", "lets no other page use its pictures"),
    "no-places": ("xyz", "/new/service", "has {z}, {x} and {y} in it"),
    "no-wms": ("wms", "/rubbish", "This is no WMS"),
    "degrees": ("wms", "/degrees/service", "no pictures in Web Mercator"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_with_another_server_is_said(officer: Page, maps: str, what: str) -> None:
    """Where it was typed, with what was typed still there."""
    page = officer
    kind, path, told = WRONG[what]
    form(page, kind, maps + path, "Wrong")
    button = "Add it to the map" if kind == "xyz" else "See which layers it has"
    page.get_by_role("button", name=button, exact=True).click()
    expect(page.get_by_role("alert").filter(has_text=told)).to_be_visible()
    expect(page.get_by_label("Address", exact=True)).to_have_value(maps + path)
    accessible(page)
    keep(page, f"outside-wrong-{what}")


def test_a_collection_of_another_city(officer: Page, demo: Demo, town: Demo) -> None:
    """Our own OGC API - Features, read by another city over HTTP: nothing is lost on the way."""
    page = officer
    items = f"{demo.address}/map/ogc/collections/transit-stops/items"
    there = httpx.get(items, params={"f": "json", "limit": 1}, timeout=60).json()
    page.get_by_text("Or from another server").click()
    page.get_by_label("Address of a collection's items").fill(items)
    page.locator("#name").fill("Stops next door")
    page.get_by_role("button", name="Put it on the map").click()
    page.wait_for_url("**/map/data-sets/stops-next-door/")
    page.locator('#state[data-state="ready"]').wait_for(timeout=60_000)
    page.reload()
    page.get_by_role("button", name="Publish").click()
    page.wait_for_timeout(2_100)
    keep(page, "collection")
    query = {"f": "json", "limit": 1000}
    here = httpx.get(f"{town.address}/map/ogc/collections/map-stops-next-door/items", params=query, timeout=60).json()
    assert here["numberMatched"] == there["numberMatched"] > 50
    first = there["features"][0]
    twins = [one for one in here["features"] if one["geometry"] == first["geometry"]]
    assert any(one["properties"]["name"] == first["properties"]["name"] for one in twins)
    opened(page)
    with page.expect_response(lambda answer: "/map/tiles/map/stops-next-door/" in answer.url and answer.status == 200):
        page.get_by_role("checkbox", name="Stops next door").check()
