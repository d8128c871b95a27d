"""`script/slow-phone`: the front page on a slow phone that was never there: first text, first use, kilobytes.

Exit 0: it measured, whatever it found; 2: it could not.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from playwright.sync_api import sync_playwright
from rich.console import Console
from rich.table import Table

from tests.e2e.conftest import AT, DRAWN, browser_path, start_demo, stop_demo
from tests.slow_phone.measure import Measured, measure

out = Console()
WORDS = {
    "first_text_ms": ("first text, ms", "1500"),
    "useful_ms": ("the search can be used, ms", ""),
    "home_kb_before_map": ("kB before the map", "200"),
    "home_kb": ("kB with the map", ""),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="script/slow-phone", description=__doc__)
    parser.add_argument("--address", help="a city that runs already; a demo city is made where left out")
    parser.add_argument("--times", type=int, default=3, help="how often; shown is the median")
    parser.add_argument("--json", action="store_true", help="one object more, on the last line")
    options = parser.parse_args()
    try:
        with _city(options.address) as address:
            result, came = _measured(address, max(1, options.times))
    except Exception:
        traceback.print_exc()
        return 2
    _tell(result, came)
    if options.json:
        print(json.dumps(result))
    return 0


@contextmanager
def _city(address: str | None) -> Iterator[str]:
    """The address of a running city."""
    if address:
        yield address
        return
    with tempfile.TemporaryDirectory(prefix="cityhall-slow-phone-", ignore_cleanup_errors=True) as place:
        demo = start_demo(Path(place) / "data", Path(place) / "log.txt", "--at", AT)
        try:
            yield demo.address
        finally:
            stop_demo(demo)


def _measured(address: str, times: int) -> tuple[Measured, dict[str, int]]:
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=browser_path(), args=DRAWN)
        try:
            every = [measure(browser, address) for _time in range(times)]
        finally:
            browser.close()
    found = [one for one, _came in every]
    return Measured(
        first_text_ms=round(median(one["first_text_ms"] for one in found)),
        useful_ms=round(median(one["useful_ms"] for one in found)),
        home_kb_before_map=round(median(one["home_kb_before_map"] for one in found), 1),
        home_kb=round(median(one["home_kb"] for one in found), 1),
    ), every[-1][1]


def _tell(result: Measured, came: dict[str, int]) -> None:
    table = Table("what", "measured", "at most", title="The front page at 400 kbit/s, 400 ms, nothing kept")
    for name, (words, most) in WORDS.items():
        table.add_row(words, str(result[name]), most)  # type: ignore[literal-required]
    out.print(table)
    parts = Table("kB", "address", title="The largest parts")
    for url, length in sorted(came.items(), key=lambda one: -one[1])[:12]:
        parts.add_row(str(round(length / 1000, 1)), url.partition("//")[2].partition("/")[2])
    out.print(parts)


if __name__ == "__main__":
    sys.exit(main())
