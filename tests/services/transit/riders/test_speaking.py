"""What a screen reader is told by itself is one short line, and what it is told all can see."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

import pytest
from django.test import Client

from tests.pages import main_of
from tests.services.transit.riders.conftest import shown
from tests.services.transit.riders.test_trips import ASKED, follow

Clock = Callable[..., datetime]
LIVE = re.compile(r"<(\w+)[^>]*(?:aria-live|role=\"(?:status|alert)\")[^>]*>(.*?)</\1>", re.S)


def test_no_list_is_a_live_region_and_no_part_that_is_put_in_anew_holds_one(clock: Clock, client: Client) -> None:
    clock(7, 50)
    page = shown(client.get("/transit/", ASKED))
    for found in LIVE.finditer(page):
        assert len(re.sub(r"<[^>]+>", "", found[2]).strip()) <= 120, found[0]
    assert 'id="results">' in page and 'data-speaks="results"' in page and "data-spoken>" in page
    part = client.get("/transit/", ASKED, headers={"HX-Target": "results"}).content.decode()
    trip = client.get(f"/transit/trips/{follow(client)}/?part=1").content.decode()
    stop = client.get("/transit/stops/square/?part=1").content.decode()
    assert not any(LIVE.search(text) for text in (part, trip, stop))
    assert "data-spoken" in trip


def test_that_nothing_was_found_is_seen_by_all(clock: Clock, client: Client) -> None:
    clock(7, 50)
    said = re.findall(r'<p role="status" class="([^"]*)"></p>', main_of(client.get("/transit/")))
    assert len(said) == 2 and not any("visually-hidden" in names for names in said)


@pytest.mark.parametrize("path", ["/transit/", "/transit/stops/square/", "/transit/lines/R1/"])
def test_the_map_says_where_its_list_is(clock: Clock, client: Client, path: str) -> None:
    clock(7, 50)
    page = client.get(path).content.decode()
    assert 'aria-describedby="map-list"' in page and 'id="map-list"' in page
