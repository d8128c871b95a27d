"""The short form of `script/faults --only presses`: two runs, and the defects that they must find.

They take minutes each, and are run where PRESSES=1 asks for them.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.faults.presses import presses, started

pytestmark = [pytest.mark.slow, pytest.mark.attack, pytest.mark.timeout(1800)]

asked_for = pytest.mark.skipif(os.environ.get("PRESSES") != "1", reason="PRESSES=1 runs it")


@asked_for
def test_no_press_is_lost_or_counts_twice_whatever_befalls_the_city(tmp_path: Path) -> None:
    found = presses(tmp_path, 2, 200, 1, print, mutants=())
    assert found["ok"], found
    assert found["presses"] == found["acknowledged"] == 400
    assert sum(found["killed"].values()) >= 4 and found["receipts_held_against_log"] > 200


@asked_for
@pytest.mark.parametrize("mutant", ["receipt_before_commit", "pid_client_id", "asynchronous_commit"])
def test_a_defect_is_found(tmp_path: Path, mutant: str) -> None:
    found = presses(tmp_path, 0, 200, 1, print, mutants=(mutant,))
    assert found["mutants"] == {mutant: True} and not found["runs"]


OFF = """
from django.db import connection
from cityhall.kernel.program_role import as_owner
with as_owner(), connection.cursor() as cursor:
    cursor.execute("ALTER SYSTEM SET synchronous_commit = off")

"""


def test_where_a_receipt_would_not_hold_the_city_does_not_start(tmp_path: Path) -> None:
    with started(tmp_path, 5) as (town, _broker):
        town.command("check")
        town.command("manage", code=OFF)
        for word in ("check", "up"):
            with pytest.raises(RuntimeError, match="synchronous_commit is off"):
                town.command(word)
