"""The one map as a picture to keep and on paper: the map, and round it title, legend, time and sources."""

from __future__ import annotations

import re

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.e2e.conftest import SCREENSHOTS
from tests.e2e.test_one_map import keep, opened

pytestmark = pytest.mark.browser


def colours(image: Image.Image, box: tuple[float, float, float, float]) -> set[object]:
    """The different colours in a part of a picture (shares of its width, pixels of its height)."""
    left, top, right, bottom = box
    part = image.crop((int(left * image.width), int(top), int(right * image.width), int(bottom)))
    return {colour for _, colour in part.getcolors(part.width * part.height) or []}


def test_a_picture_to_keep(desktop: Page) -> None:
    """The map, twice as fine as on the screen, and round it a title, a legend, the time and whose it is."""
    page = desktop
    opened(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Keep as a picture").click()
    SCREENSHOTS.mkdir(exist_ok=True)
    download.value.save_as(SCREENSHOTS / "one-map-picture.png")
    image = Image.open(SCREENSHOTS / "one-map-picture.png").convert("RGB")
    box = page.locator("city-map").bounding_box()
    assert box is not None
    width, head, bottom = 2 * box["width"], 2 * 56, 2 * 56 + 2 * box["height"]
    assert image.width == width and image.height > bottom
    assert len(colours(image, (0, head, 1, bottom))) > 1_000
    title = colours(image, (0, 0, 0.5, head))
    assert (255, 255, 255) in title and (28, 33, 39) in title
    # The lines' grey-blue and the buses' blue in the legend, and the soft colour of the last line.
    legend = colours(image, (0, bottom, 1, image.height - 60))
    swatches = page.locator(".map-layer:has([data-on]:checked) .swatch").evaluate_all(
        "all => all.map(one => getComputedStyle(one).backgroundColor.match(/\\d+/g).map(Number))"
    )
    assert len(swatches) > 1 and {tuple(one) for one in swatches} <= legend
    assert (85, 89, 95) in colours(image, (0, image.height - 60, 1, image.height))


def test_a_sheet_of_paper(phone: Page) -> None:
    """Light though the phone is dark; one sheet of A4 with everything on it."""
    page = phone
    opened(page)
    page.evaluate(
        "() => { const { dataset } = document.documentElement; window.print = () => (dataset.printed = dataset.theme) }"
    )
    page.get_by_role("button", name="Print", exact=True).click()
    expect(page.locator("html")).to_have_attribute("data-printed", "light", timeout=20_000)
    pdf = page.pdf(path=SCREENSHOTS / "one-map-print.pdf", prefer_css_page_size=True)
    assert len(re.findall(rb"/Type /Page\b", pdf)) == 1 and b"/MediaBox [0 0 594.9" in pdf
    page.emulate_media(media="print")
    sheet = page.locator("[data-print]")
    expect(sheet.get_by_role("heading", name="Marelva · One map")).to_be_visible()
    expect(sheet.get_by_role("listitem").filter(has_text="Buses now")).to_be_visible()
    expect(sheet.locator("footer")).to_contain_text(re.compile(r"20\d\d.*Marelva, a made-up city"))
    expect(page.locator(".panel")).to_be_hidden()
    light = page.evaluate(
        """() => {
            const canvas = document.querySelector('[data-print] canvas')
            const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
            let sum = 0
            for (let at = 0; at < data.length; at += 4) sum += data[at] + data[at + 1] + data[at + 2]
            return sum / (3 * canvas.width * canvas.height)
        }"""
    )
    assert light > 180
    keep(page, "print")
    page.emulate_media(media="screen")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
