"""The short form of `script/faults --only ledger`."""

from __future__ import annotations

import pytest

from tests.faults.books_run import apart

pytestmark = [pytest.mark.slow, pytest.mark.attack, pytest.mark.timeout(300)]


def test_racing_clients_that_are_killed_leave_the_books_right() -> None:
    found = apart(transfers=6_000, clients=8, kills=2, holds=100, instants=300, seed=7)
    assert found["faults"] == []
    assert found["killed"] == {"client": 2, "server": 2}
    assert found["asked"] >= 6_000 and found["posted"] > 2_000 and found["refused"] > 100
    assert sum(found["holds"]["outcomes"].values()) == 100 and len(found["holds"]["outcomes"]) > 1
