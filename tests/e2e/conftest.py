"""The demo city, started as a newcomer starts it, and a browser to look at it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.e2e.sharing import shared

ROOT = Path(__file__).parents[2]
SCREENSHOTS = ROOT / "test-results"
START_S = 600
AT = "2027-06-16T16:30"
"""The demo's clock when the tests begin: a Wednesday's afternoon, whenever they run."""
PATIENCE_MS = 20_000
"""For what a page is to show: two cores draw the map without a graphics card, and run the city beside it."""


@dataclass(frozen=True)
class Demo:
    """A running demo city."""

    address: str
    data: Path
    process: psutil.Process
    ahead: float = 0.0
    """Seconds that its clock is ahead of ours."""

    def time(self) -> float:
        """Now, by the city's clock: Unix seconds."""
        return time.time() + self.ahead


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def outside() -> dict[str, str]:
    """An environment without what the test settings put into this one."""
    ours = ("CITYHALL_", "DATABASE_", "DJANGO_SETTINGS_MODULE", "NATS_URL", "MQTT_URL", "EMAIL_URL")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def start_demo(data: Path, log: Path, *options: str) -> Demo:
    """Starts `cityhall demo` and waits until it answers."""
    return start("demo", data, log, *options)


def start(what: str, data: Path, log: Path, *options: str) -> Demo:
    """Starts `cityhall demo` or `cityhall up` and waits until all of it answers."""
    port = free_port()
    command = [sys.executable, "-m", "cityhall.cli", what, "--data", str(data), "--port", str(port), *options]
    with log.open("wb") as output:
        process = psutil.Popen(command, stdout=output, stderr=output, env=outside(), cwd=ROOT)
    address = f"http://localhost:{port}"
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{address}/healthz", timeout=5).status_code == 200 and not _compiles(process):
                return Demo(address, data, process)
        except (httpx.HTTPError, psutil.NoSuchProcess):
            pass
        time.sleep(0.2)
    # In order, for it has processes of its own.
    process.send_signal(signal.SIGINT)
    try:
        process.wait(30)
    except psutil.TimeoutExpired:
        process.kill()
    raise AssertionError(f"the city did not start:\n{log.read_text()}")


def _compiles(city: psutil.Process) -> bool:
    """Whether journeys and positions are still being got ready beside the city."""
    return any("cityhall.engines.ready" in " ".join(one.cmdline()) for one in city.children())


def stop_demo(demo: Demo) -> int:
    """Ctrl-C; returns the exit status."""
    demo.process.send_signal(signal.SIGINT)
    return int(demo.process.wait(30))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whichever test comes to the demo first has its start in its own time."""
    for item in items:
        if item.get_closest_marker("browser") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(START_S + 300))


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Demo]:
    """One city for all workers: they look at it beside one another, as residents do."""
    own = tmp_path_factory.getbasetemp()
    folder = (own if worker_id == "master" else own.parent) / "demo"

    def begin() -> list[Any]:
        running = start_demo(folder / "data", folder / "log.txt", "--at", AT)
        return [running.address, running.process.pid]

    def end(given: list[Any]) -> None:
        """Ctrl-C; who started it may be another worker, or gone."""
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(given[1])
            process.send_signal(signal.SIGINT)
            # Whoever started it has to take note of its end: nobody else can wait for that.
            until = time.monotonic() + 30
            while process.status() != psutil.STATUS_ZOMBIE and time.monotonic() < until:
                time.sleep(0.1)

    with shared(folder, begin, end) as (address, process):
        said = re.search(r'data-ahead="(-?\d+)"', httpx.get(f"{address}/offline/", timeout=30).text)
        assert said, "the pages do not say that the clock is set"
        yield Demo(address, folder / "data", psutil.Process(process), float(said[1]))


# Not of the whole session: Playwright has an event loop while it is there, and other tests have theirs.
@pytest.fixture(scope="package")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    path = browser_path()
    if not path:
        if os.environ.get("CI") == "true":
            pytest.fail("there is no Chromium: install it (apt-get install chromium)")
        pytest.skip("there is no Chromium on this machine")
    # Playwright's own event loop would else stand in the way of Django's checks for one.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=as_anybody(path, tmp_path_factory.mktemp("chromium")),
            args=DRAWN,
        )
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
"""The first is the same without a window's own pages, which take a third of the time where nobody sees them."""
DRAWN = [
    "--no-sandbox",
    *("--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"),
    # Without a graphics card only maps are drawn as if there were one: pages are not, which takes half the time.
    *("--disable-gpu-compositing", "--disable-gpu-rasterization"),
]


def browser_path() -> str:
    """The machine's browser; "" where there is none."""
    return next(filter(None, map(shutil.which, BROWSERS)), "")


def as_anybody(chromium: str, folder: Path) -> str:
    """Started by root, Chromium puts its drawing before everything else, the city it draws too: here it may not."""
    if os.geteuid() or not shutil.which("setpriv"):
        return chromium
    wrapper = folder / "chromium"
    wrapper.write_text(f'#!/bin/sh\nexec setpriv --bounding-set=-sys_nice --inh-caps=-sys_nice {chromium} "$@"\n')
    wrapper.chmod(0o755)
    return str(wrapper)


@pytest.fixture
def desktop(chromium: Browser, demo: Demo) -> Iterator[Page]:
    yield from _page(chromium, demo, viewport={"width": 1280, "height": 800})


@pytest.fixture
def phone(chromium: Browser, demo: Demo) -> Iterator[Page]:
    yield from _page(
        chromium, demo, viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True, color_scheme="dark"
    )


def _page(chromium: Browser, demo: Demo, **options: object) -> Iterator[Page]:
    # Without a graphics card each step of a gliding bus is half a second of work; who wants to see it glide, asks.
    context = chromium.new_context(
        base_url=demo.address,
        locale="en-GB",
        reduced_motion="reduce",
        **options,  # type: ignore[arg-type]
    )
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    yield page
    context.close()
    assert not faults, faults


def accounts(demo: Demo) -> list[str]:
    """The addresses of the accounts that the demo offers: a resident, and one of every role."""
    return [str(email) for email in json.loads((demo.data / "demo" / "accounts.json").read_text())]


def enter(browser: httpx.Client, demo: Demo, email: str) -> None:
    """Signs in as one of the demo's accounts, by the press that its sign-in page offers."""
    browser.get("/accounts/login/")
    form = {"email": email, "csrfmiddlewaretoken": browser.cookies["csrftoken"]}
    browser.post("/accounts/demo/", data=form, headers={"Referer": demo.address}).raise_for_status()


def keep(page: Page, name: str, *, drawn: bool = True) -> None:
    """Keeps a screenshot for whoever looks at the run, with its map where that can be `drawn`."""
    SCREENSHOTS.mkdir(exist_ok=True)
    if drawn and page.locator("city-map").count():
        # One that is further down is drawn when it comes into view.
        page.locator("city-map").first.scroll_into_view_if_needed()
        page.locator("city-map[data-idle]").wait_for()
        page.evaluate("scrollTo(0, 0)")
    page.screenshot(path=SCREENSHOTS / f"{name}.png")


def wait_for_promise(page: Page, promise: str) -> None:
    """Waits until what a JavaScript function promises is truthy.

    Playwright's `wait_for_function` does not look at what a promise comes to: the promise itself is truthy, so that it
    returns at once.
    """
    came = page.evaluate(
        f"""async () => {{
            const ask = {promise}
            const until = performance.now() + {PATIENCE_MS}
            while (performance.now() < until) {{
                if (await ask()) return true
                await new Promise((next) => setTimeout(next, 50))
            }}
            return false
        }}"""
    )
    assert came, f"this did not come true: {promise}"
