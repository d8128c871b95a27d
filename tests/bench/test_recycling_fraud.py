"""`cityhall bench recycling-fraud`: planted drifts, favours and photographs are found, and hardly anything else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from cityhall import cli


def bench(*words: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(cli.app, ["bench", "recycling-fraud", *words])
    return done.exit_code, done.output, done.stderr


def test_what_is_planted_is_found() -> None:
    code, out, said = bench("--households", "2500", "--weeks", "24", "--seasons", "2", "--pictures", "24", "--json")
    assert code == 0, said
    row: dict[str, Any] = json.loads(out.strip().splitlines()[-1])
    assert row["drift"]["recall"] >= 0.8
    assert row["drift"]["false_alarms"] <= 1
    assert row["collusion"]["recall"] >= 0.5
    assert row["collusion"]["recall_by_size"]["2.5"] >= 0.75
    assert row["collusion"]["false_alarms"] <= 1
    assert row["photos"]["recall"] >= 0.8
    assert row["photos"]["false_alarms"] == 0
    assert row["clean"]["drift_a_month"] + row["clean"]["collusion_a_month"] <= 0.1


@pytest.mark.parametrize("words", [("--households", "5"), ("--weeks", "2"), ("--seasons", "0"), ("--pictures", "1")])
def test_a_season_that_says_nothing_is_refused(words: tuple[str, ...]) -> None:
    code, _out, said = bench(*words)
    assert code == 2
    assert "give 200 households" in said
