"""What is reckoned of weighings finds points that are posted twice, or not at all; in test_faults.py nothing is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.depot import Depot, weighed
from tests.faults.ledger import Ledger
from tests.faults.weighings import BONUS, EARNED, drawn, worth


def test_what_a_weighing_is_worth() -> None:
    assert worth({"paper": 1999, "aluminium": 99}) == {EARNED: 39 + 15, BONUS: 7}
    assert worth({"paper": 49}) == {}
    cards = ["AAAA2222", "BBBB3333"]
    assert drawn("a", cards) == drawn("a", cards) and len({drawn(str(n), cards)[0] for n in range(20)}) == 2


@pytest.mark.slow
@pytest.mark.attack
@pytest.mark.timeout(600)
def test_points_that_are_posted_apart_are_found(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    depot = Depot(tmp_path / "data", tmp_path / "log.txt")
    depot.make()
    depot.with_defect("points_after")
    assert any("are not posted" in one for one in weighed(depot, Ledger(), 6, seed=2))
    depot.with_defect("points_beside")
    assert any("beside what it earned" in one for one in weighed(depot, Ledger(), 4, seed=3))
