"""The short form of script/endurance: hostile peers for half a minute. How long a page takes is left to that."""

from __future__ import annotations

from typing import Any

import pytest

from tests.endurance.running import endure

pytestmark = [pytest.mark.slow, pytest.mark.attack]


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return endure(tmp_path_factory.mktemp("endurance"), 0.5, [])


def test_a_quiet_resident_is_served_meanwhile(result: dict[str, Any]) -> None:
    quiet = result["quiet"]
    assert quiet["asked"] >= 15
    assert quiet["server_errors"] == 0 and quiet["share_200"] == 1, quiet["statuses"]


def test_nobody_gets_through_and_nothing_breaks(result: dict[str, Any]) -> None:
    hostile = result["hostile"]
    assert len(hostile) >= 15 and all(one["attempts"] for one in hostile.values())
    assert {name: one["through"] for name, one in hostile.items() if one["through"]} == {}


def test_what_they_held_is_given_back(result: dict[str, Any]) -> None:
    assert result["left"] == {}
