"""How much is sent for the front page: a slow phone is not made to wait for what nobody looks at yet."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.e2e.conftest import Demo
from tests.slow_phone.measure import measure

pytestmark = pytest.mark.browser
MOST_KB = 200


def test_the_front_page_is_light_before_its_map(chromium: Browser, demo: Demo) -> None:
    found, came = measure(chromium, demo.address, slow=False)
    assert 5 < found["home_kb_before_map"] <= MOST_KB, came
    assert found["home_kb"] > found["home_kb_before_map"] + 200, f"the map's library was not counted: {came}"
