"""The interception bench in the made-up city: its keys, its brute force, and how its cases are lived."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from cityhall import cli
from cityhall.bench import intercept
from cityhall.bench import intercept_world as world
from cityhall.bench.intercept_brute import Brute, second_by_second
from cityhall.bench.intercept_drive import LONGEST_S, Target, live
from cityhall.democity import make
from cityhall.engines.intercept import Times

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> intercept.Ready:
    made = make(tmp_path_factory.mktemp("city"))
    graph, lines = world.city([made.gtfs], made.osm)
    return intercept.Ready(lines, world.learned(lines, 1, 500), graph.network("drive"), Brute(graph), 1)


def test_the_plan_is_that_of_brute_force(ready: intercept.Ready) -> None:
    lived = [intercept.one(ready, row) for row in range(60)]
    assert sum(one.same for one in lived) >= 59
    assert {"sure", "best", "none"} & {one.reason for one in lived}
    assert all(one.ours > 0 for one in lived)


def test_brute_force_drives_as_the_streets_do(ready: intercept.Ready) -> None:
    rng = np.random.default_rng(2)
    snaps = [snap for line in ready.lines for snap in line.snaps]
    for _ in range(20):
        origin, targets = snaps[rng.integers(len(snaps))], [snaps[k] for k in rng.integers(len(snaps), size=30)]
        ours = ready.network.one_to_many(origin, list(targets), 7200.0)
        assert ready.brute.seconds(origin, targets) == pytest.approx(ours)


def test_the_chances_of_brute_force_are_those_of_counting_each_second_alone() -> None:
    rng = np.random.default_rng(3)
    middle = np.sort(rng.uniform(0, 900, 20))
    bus = Times(middle, middle - rng.uniform(20, 60, 20), middle + rng.uniform(20, 200, 20))
    far = rng.uniform(0, 900, 20)
    far[3] = np.inf
    unit = Times.driven(0.0, far, 0.8, 1.4)
    found = second_by_second(bus, unit, np.arange(20), 20.0)
    for row in range(20):
        assert found[row] == pytest.approx(_counted(bus, unit, row, 20.0), abs=1e-3)
    assert found[3] == 0 and found.min() < 0.1 < 0.9 < found.max()


def _counted(bus: Times, unit: Times, row: int, margin: float) -> float:
    """One second after the other, by Python alone."""
    if not math.isfinite(unit.middle[row]):
        return 0.0
    begin = math.floor(bus.middle[row] - 8 * (bus.middle[row] - bus.low[row]) - 60)
    total, before = 0.0, _by(bus, row, begin)
    for second in range(begin, begin + 12_000):
        come = _by(bus, row, second + 1)
        total += (come - before) * _by(unit, row, second + 0.5 - margin)
        before = come
    return total


def _by(times: Times, row: int, at: float) -> float:
    middle = float(times.middle[row])
    early, late = middle - float(times.low[row]), float(times.high[row]) - middle
    early, late = max(early, late / 20), max(late, early / 20)
    ratio = late / early
    inside = 1 + (at - middle) * (ratio - 1) / late
    if abs(ratio - 1) < 1e-9:
        score = (at - middle) * 1.2815515655446004 / late
    elif inside <= 0:
        return 0.0 if ratio > 1 else 1.0
    else:
        score = 1.2815515655446004 * math.log(inside) / math.log(ratio)
    return 0.5 * math.erfc(-score / math.sqrt(2))


def test_a_unit_that_waits_meets_the_bus_when_it_comes(ready: intercept.Ready) -> None:
    waited = 0
    for row in range(30):
        case = world.case(ready.lines, ready.network, 1, row)
        last = len(case.line.snaps) - 1
        met = live(case, ready.network, lambda case, now, seen, unit, last=last: Target(case.line.snaps[last], last))
        if np.isfinite(met):
            assert met <= case.true[-1] + 1e-9
            waited += 1
        assert not np.isfinite(live(case, ready.network, lambda case, now, seen, unit: None))
    assert waited > 5


def test_the_truth_begins_where_the_bus_was_seen(ready: intercept.Ready) -> None:
    for row in range(50):
        case = world.case(ready.lines, ready.network, 7, row)
        assert -world.GAP_S <= case.heard[0] <= 0 and np.allclose(np.diff(case.heard), world.GAP_S)
        assert float(case.place(case.heard[0])) == pytest.approx(case.start)
        ahead = case.true[int(np.ceil(case.start)) :]
        assert (np.diff(ahead) > 0).all() and float(case.place(ahead[2])) == pytest.approx(np.ceil(case.start) + 2)


def test_calibration_counts_by_tenths() -> None:
    rows = intercept.calibration(np.array([0.05, 0.06, 0.95, 1.0]), np.array([0.0, 1.0, 1.0, 1.0]))
    assert [(row["decile"], row["count"], row["came"]) for row in rows] == [(0, 2, 0.5), (9, 2, 1.0)]


def test_the_command_says_what_came(tmp_path: Path) -> None:
    answer = CliRunner().invoke(cli.app, ["bench", "intercept", "--cases", "12", "--json"])
    assert answer.exit_code == 0, answer.output
    found = json.loads(answer.stdout.splitlines()[-1])
    keys = {
        "cases",
        "same_point",
        "plan_p99_ms",
        "calibration",
        "worst_decile_gap",
        "success",
        "mean_s",
        "chase",
        "next_stop",
    }
    assert keys <= found.keys() and found["cases"] == 12 and found["mean_all_s"] <= LONGEST_S
    alone = CliRunner().invoke(cli.app, ["bench", "intercept", "--osm", str(tmp_path / "x.pbf"), "--json"])
    assert alone.exit_code == 2 and "go together" in alone.stderr
