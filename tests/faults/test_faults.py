"""The short form of `script/faults`: some kills, a full disk and a jumping clock, and what is there after."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults import trouble
from tests.faults.__main__ import a_town, kills
from tests.faults.ledger import Ledger
from tests.faults.reckoning import reckon

pytestmark = [pytest.mark.slow, pytest.mark.attack, pytest.mark.timeout(600)]


def test_what_was_acknowledged_is_there_once_whatever_befalls_the_machine(tmp_path: Path) -> None:
    ledger = Ledger()
    with a_town(tmp_path, poles=60) as (town, clock, small):
        with town.running():
            killed = kills(town, ledger, 20, seed=3)
            assert sum(killed["killed"].values()) >= 2 and killed["outages"]["count"] >= 1
            if small:
                full = trouble.full_disk(town, ledger, 4)
                assert set(full["healthz"]) <= {"no room", "no writing"} and not full["pages_wrong"]
            if clock:
                moved = trouble.jumping_clock(town, clock, ledger, 3)
                assert all(jump["filed"] for jump in moved["jumps"])
            found = reckon(town, ledger)
        assert found["faults"] == [] and town.left() == []
    assert found["report"]["there"] == found["report"]["acknowledged"] > 10
    assert found["press"]["there"] == found["press"]["acknowledged"] > 2
    for kind in ("button", "call", "way", "draft", "weighing"):
        assert found[kind]["there"] == found[kind]["acknowledged"] > 2
    assert found["weighing"]["grams"] == found["weighing"]["grams_told"] > 0 < found["weighing"]["points"]
    assert found["release"]["there"] == found["release"]["acknowledged"] > 0
