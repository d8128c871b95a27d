"""`cityhall bench pickups` and `pickups-week`, as they are called."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cityhall import cli
from cityhall.bench import pickups_peers, pickups_week
from cityhall.engines.pickups import Job, Problem, Unloading, Vehicle, planning, vrplib
from cityhall.engines.pickups.searching import search
from tests.engines.pickups.test_planning import LINE

TINY = """NAME : tiny
TYPE : VRPTW
DIMENSION : 5
VEHICLES : 3
CAPACITY : 10
SERVICE_TIME : 1
EDGE_WEIGHT_TYPE : EUC_2D
NODE_COORD_SECTION
1 0 0
2 10 0
3 20 0
4 0 10
5 0 20
DEMAND_SECTION
1 0
2 5
3 5
4 5
5 5
TIME_WINDOW_SECTION
1 0 500
2 0 100
3 0 100
4 0 100
5 0 100
DEPOT_SECTION
1
-1
EOF
"""


def bench(*words: str) -> Any:
    done = CliRunner().invoke(cli.app, ["bench", *words])
    return done.exit_code, done.output, done.stderr


def told(*words: str) -> dict[str, Any]:
    code, out, said = bench(*words, "--json")
    assert code == 0, said
    row: dict[str, Any] = json.loads(out.strip().splitlines()[-1])
    return row


def test_a_small_day(tmp_path: Path) -> None:
    (tmp_path / "tiny.vrp").write_text(TINY)
    row = told("pickups", "--instance", str(tmp_path / "tiny.vrp"), "--seconds", "2")
    assert (row["cost"], row["vehicles"], row["late"], row["checked"]) == (80.0, 2, 0, True)
    assert row["unserved"] == 0 and row["seconds"] < 30 and set(row["peers"]) == {"ortools", "pyvroom"}
    assert "best_known" not in row


def test_beside_the_best_known_and_several_at_once(tmp_path: Path) -> None:
    for name, cost in (("one", 80), ("two", 64), ("tenths", 800)):
        (tmp_path / f"{name}.vrp").write_text(TINY)
        (tmp_path / f"{name}.sol").write_text(f"Route #1: 1 2\nRoute #2: 3 4\nCost {cost}\n")
    asked = [word for name in ("one", "two", "tenths") for word in ("--instance", str(tmp_path / f"{name}.vrp"))]
    result = told("pickups", *asked, "--seconds", "1", "--no-peers")
    one, two, tenths = result["instances"]
    assert one["gap"] == 0 and one["best_known"] == 80 and one["best_known_checked"]
    assert tenths["gap"] == 0 and tenths["cost"] == 800, "in the unit that the published cost is in"
    assert not two["best_known_checked"], "the published routes do not cost what is said of them"
    assert result["checked"] and result["late"] == 0 and result["peers"] == {"ortools": None, "pyvroom": None}


@pytest.mark.parametrize("bad", ["missing", "broken", "seconds"])
def test_what_cannot_be_done_ends_with_2_and_one_line(tmp_path: Path, bad: str) -> None:
    path = tmp_path / "it.vrp"
    if bad != "missing":
        path.write_text(TINY if bad == "seconds" else TINY.replace("2 10 0", "2 ten 0"))
    code, out, said = bench("pickups", "--instance", str(path), "--seconds", "0" if bad == "seconds" else "1")
    assert code == 2 and not out.replace(said, "").strip() and len(said.strip().splitlines()) == 1
    assert "it.vrp" in said or bad == "seconds"


def test_a_search_that_fails_ends_with_2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "MODULE", "cityhall.engines.pickups.nowhere")
    (tmp_path / "tiny.vrp").write_text(TINY)
    code, _, said = bench("pickups", "--instance", str(tmp_path / "tiny.vrp"), "--seconds", "1", "--no-peers")
    assert code == 2 and "nowhere" in said and len(said.strip().splitlines()) == 1


def test_peers_are_asked_only_what_they_know() -> None:
    vehicle, job = Vehicle((0, 500), (9,), 0, 0), Job(1, 5, (1,))
    able = {
        name: [
            pickups_peers.able(name, Problem((one,), (other,), LINE, LINE))
            for one, other in (
                (job, vehicle),
                (Job(1, 5, (1,), prize=4), vehicle),
                (Job(1, 5, (1,), release=4), vehicle),
                (job, Vehicle((0, 500), (9,), 0, 0, (Unloading(3),))),
            )
        ]
        for name in pickups_peers.NAMES
    }
    assert able == {"ortools": [True, True, False, False], "pyvroom": [True, False, False, False]}


@pytest.mark.parametrize("name", pickups_peers.NAMES)
def test_a_peer_that_is_installed_finds_a_plan(tmp_path: Path, name: str) -> None:
    pytest.importorskip(pickups_peers.MODULES[name])
    (tmp_path / "tiny.vrp").write_text(TINY)
    row = told("pickups", "--instance", str(tmp_path / "tiny.vrp"), "--seconds", "1")
    assert row["peers"][name]["cost"] == 80.0 and row["peers"][name]["checked"]


def test_the_peers_process_says_what_it_did(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tiny.vrp").write_text(TINY)
    path = tmp_path / "tiny.vrp"
    monkeypatch.setattr(pickups_peers, "MODULES", {"ortools": "json"})
    monkeypatch.setattr(
        pickups_peers.subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 0, "oops", "")
    )
    assert pickups_peers.run("ortools", vrplib.read(path).problem, path, 1.0) is None
    assert sys.executable


@pytest.mark.slow
def test_a_week_in_a_made_up_city(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "_search", lambda tasks: [search(task) for task in tasks[:1]])
    monkeypatch.setattr(pickups_week, "PLACES", (2, 8))
    row = told("pickups-week", "--days", "1", "--requests", "25", "--tries", "100")
    assert set(row["tried"]) == {"2", "8"} and row["tried"]["2"]["promised"] <= row["tried"]["8"]["promised"]
    for name in ("ours", "first_come"):
        assert {"kept", "asked", "km", "overtime_min", "upset"} <= row[name].keys()
        assert 0 < row[name]["kept"] <= row[name]["promised"] <= row[name]["asked"] and row[name]["km"] > 0
        assert row[name]["kept_share"] == round(row[name]["kept"] / row[name]["promised"], 4)
    assert row["ours"]["asked"] == row["first_come"]["asked"] and row["ours"]["upset"] == 0
    again = told("pickups-week", "--days", "1", "--requests", "25", "--tries", "100")
    assert again | {"seconds": 0} == row | {"seconds": 0}


def test_a_week_without_days_is_refused() -> None:
    code, _, said = bench("pickups-week", "--days", "0")
    assert code == 2 and "days" in said
