"""Reading published instances: each kind made small by hand, the published ones where they are there, and bad files."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from cityhall.bench.pickups import replayed
from cityhall.engines.pickups import FOREVER, check
from cityhall.engines.pickups.vrplib import InstanceError, beside, read, read_solution

PUBLISHED = Path(__file__).parents[4] / "shared" / "data"

NODES = "NODE_COORD_SECTION\n1 0 0\n2 3 4\n3 1 1\n4 0 2.5\n"
DEMAND = "DEMAND_SECTION\n1 0\n2 4\n3 5\n4 6\n"
TIMES = "TIME_WINDOW_SECTION\n1 0 100\n2 5 50\n3 0 60\n4 10 90\n"
END = "DEPOT_SECTION\n1\n-1\nEOF\n"


def written(folder: Path, text: str, name: str = "small.vrp") -> Path:
    path = folder / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


def head(kind: str, *more: str) -> str:
    return "\n".join(
        ["NAME : small", f"TYPE : {kind}", "DIMENSION : 4", "EDGE_WEIGHT_TYPE : EUC_2D", "VEHICLES : 2", *more, ""]
    )


@pytest.mark.parametrize("name", ["small.vrp", "small.vrp.gz"])
def test_time_windows(tmp_path: Path, name: str) -> None:
    text = head("VRPTW", "CAPACITY : 20", "SERVICE_TIME : 9") + NODES + DEMAND + TIMES + END
    it = read(written(tmp_path, text, name))
    assert (it.name, it.kind, it.scale, it.depots) == ("small", "VRPTW", 10, 1)
    assert it.problem.seconds[0].tolist() == [0, 50, 14, 25], "cut off behind one decimal: the root of 2 is 1.4"
    assert [job.windows for job in it.problem.jobs] == [((50, 500),), ((0, 600),), ((100, 900),)]
    assert [job.duration for job in it.problem.jobs] == [90] * 3 and it.problem.jobs[0].load == (40,)
    assert it.problem.vehicles[0] == it.problem.vehicles[1]
    assert it.problem.vehicles[0].shift == (0, 1000) and it.problem.vehicles[0].capacity == (200,)


def test_several_trips_and_releases(tmp_path: Path) -> None:
    text = head("MTVRPTWR", "CAPACITY: 10", "SERVICE_TIME: 9") + NODES + DEMAND + TIMES
    text += "RELEASE_TIME_SECTION\n1 0\n2 7\n3 0\n4 0\nVEHICLES_RELOAD_DEPOT_SECTION\n1 1\n2 1\n" + END
    it = read(written(tmp_path, text))
    assert [job.release for job in it.problem.jobs] == [70, 0, 0]
    assert [at.place for at in it.problem.vehicles[1].unloading] == [0]
    (tmp_path / "small.sol").write_text("Route #1: 1 0 2\nRoute #2: 3\nCost: 209\nOptimal: True\n")
    found = beside(tmp_path / "small.vrp")
    assert found is not None
    sol = read_solution(found)
    assert sol.routes == ((1, 0, 2), (3,)) and sol.cost == 209
    plan = replayed(it, sol)
    assert plan is not None and check(it.problem, plan) == [] and plan.cost == 50 + 50 + 14 + 14 + 25 + 25


def test_prizes(tmp_path: Path) -> None:
    text = head("PCVRPTW", "CAPACITY : 20") + NODES + DEMAND + TIMES + "PRIZE_SECTION\n1 0\n2 8\n3 0\n4 2\n" + END
    assert [job.prize for job in read(written(tmp_path, text)).problem.jobs] == [80, None, 20]


def test_a_mixed_fleet(tmp_path: Path) -> None:
    text = head("HFVRP") + NODES + DEMAND + "CAPACITY_SECTION\n1 8\n2 12\nVEHICLES_FIXED_COST_SECTION\n1 100\n2 250\n"
    it = read(written(tmp_path, text + "VEHICLES_UNIT_DISTANCE_COST_SECTION\n1 3\n2 5\n" + END))
    assert it.scale == 1000 and it.problem.metres[0].tolist() == [0, 5000, 1414, 2500]
    one, two = it.problem.vehicles
    assert (one.capacity, one.fixed_cost, one.metre_cost, one.shift) == ((8000,), 100_000, 3, (0, FOREVER))
    assert (two.capacity, two.fixed_cost, two.metre_cost) == ((12000,), 250_000, 5)


def test_several_depots_compartments_and_who_may_go_where(tmp_path: Path) -> None:
    text = head("MDVRPTW", "VEHICLES_MAX_RELOADS : 1") + NODES + "DEMAND_SECTION\n1 0 0\n2 0 0\n3 5 1\n4 6 2\n" + TIMES
    text += (
        "CAPACITY_SECTION\n1 9 9\n2 8 7\nVEHICLES_DEPOT_SECTION\n1 1\n2 2\nVEHICLES_RELOAD_DEPOT_SECTION\n1 1 2\n2\n"
    )
    text += "VEHICLES_ALLOWED_CLIENTS_SECTION\n1 3 4\n2 4\nDEPOT_SECTION\n1\n2\n-1\nEOF\n"
    it = read(written(tmp_path, text), "whole")
    assert it.depots == 2 and len(it.problem.jobs) == 2 and it.problem.jobs[1].load == (6, 2)
    one, two = it.problem.vehicles
    assert (one.start, one.end, two.start, two.end) == (0, 0, 1, 1) and two.shift == (5, 50)
    assert [at.place for at in one.unloading] == [0, 1] and two.unloading == () and one.trips == 2
    assert it.problem.jobs[0].skills <= one.skills and not it.problem.jobs[0].skills <= two.skills
    assert it.problem.jobs[1].skills <= two.skills


@pytest.mark.parametrize(
    ("form", "numbers"),
    [("FULL_MATRIX", "0 5 6 7 5 0 8 9\n6 8 0 1 7 9 1 0"), ("LOWER_ROW", "5\n6 8 7 9 1"),
     ("LOWER_DIAG_ROW", "0 5 0 6 8 0 7 9 1 0")],
)  # fmt: skip
def test_explicit_weights(tmp_path: Path, form: str, numbers: str) -> None:
    text = "DIMENSION: 4\nCAPACITY: 20\nEDGE_WEIGHT_TYPE: EXPLICIT\n"
    text += f"EDGE_WEIGHT_FORMAT: {form}\nEDGE_WEIGHT_SECTION\n{numbers}\n{DEMAND}{END}"
    assert read(written(tmp_path, text)).problem.seconds.tolist() == [
        [0, 5, 6, 7], [5, 0, 8, 9], [6, 8, 0, 1], [7, 9, 1, 0],
    ]  # fmt: skip


GOOD = head("VRPTW", "CAPACITY : 20") + NODES + DEMAND + TIMES + END


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("DIMENSION : 4", "", "DIMENSION"),
        ("DIMENSION : 4", "DIMENSION : four", "DIMENSION"),
        ("DIMENSION : 4", "DIMENSION : 99999", "from 1 to"),
        ("VEHICLES : 2", "VEHICLES : 0", "VEHICLES"),
        ("2 3 4\n", "2 3\n", "2 value"),
        ("2 3 4\n", "", "rows 1 to 4"),
        ("2 3 4\n", "2 3 4\n2 3 4\n", "twice"),
        ("2 3 4\n", "2 3 nan\n", "no number"),
        ("2 3 4\n", "2 3 here\n", "'here' is no number"),
        ("2 5 50", "2 50 5", "no window"),
        ("2 4\n", "2 -4\n", "load"),
        ("EUC_2D", "GEO", "GEO"),
        ("TIME_WINDOW_SECTION", "TIME_OF_DAY_SECTION", "not understood"),
        ("CAPACITY : 20", "MOOD : 20", "MOOD"),
        ("DEPOT_SECTION\n1", "DEPOT_SECTION\n3", "depots"),
        ("NAME : small", "small", "no section"),
        ("DEMAND_SECTION\n", "NODE_COORD_SECTION\n", "twice"),
        ("2 3 4\n", "2 3e300 4\n", "too large"),
    ],
)
def test_bad_files_say_what_is_wrong(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in GOOD
    read(written(tmp_path, GOOD))
    with pytest.raises(InstanceError, match=said) as told:
        read(written(tmp_path, GOOD.replace(old, new, 1)))
    assert "small.vrp" in str(told.value) and "\n" not in str(told.value)


def test_files_that_are_no_text(tmp_path: Path) -> None:
    for name, data in (("a.vrp", b"\xff\xfe\x00"), ("b.vrp.gz", b"no"), ("c.vrp.gz", gzip.compress(b"x" * 99)[:-9])):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(InstanceError, match="no text"):
            read(tmp_path / name)
    with pytest.raises(InstanceError, match="cost"):
        read_solution(written(tmp_path, "Route #1: 1 2\n", "d.sol"))
    with pytest.raises(OSError, match="No such"):
        read(tmp_path / "none.vrp")
    assert beside(tmp_path / "none.vrp") is None


@pytest.mark.skipif(not (PUBLISHED / "vrptw").exists(), reason="the published instances are not here")
@pytest.mark.parametrize(
    ("name", "unit"),
    [("vrptw/C1_10_1", 10), ("vrptw/R2_10_1", 10), ("money/routes/MTVRPTWR/C2_2_01R0.5", 1),
     ("money/routes/PCVRPTW/C1_10_2", 1), ("money/routes/HFVRP/X289-HVRP", 1),
     ("money/routes/HFVRP/X561-FSMD", 100_000)],
)  # fmt: skip
def test_published_routes_cost_what_is_published(name: str, unit: int) -> None:
    path = PUBLISHED / f"{name}.vrp"
    it, found = read(path), beside(path)
    assert found is not None
    sol = read_solution(found)
    plan = replayed(it, sol)
    assert plan is not None and check(it.problem, plan) == []
    assert plan.cost / unit == pytest.approx(sol.cost, rel=1e-7)
