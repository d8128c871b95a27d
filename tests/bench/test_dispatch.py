"""The dispatch bench on a made-up city of JEMSS's form: what it reads, what it says, what it refuses."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2
from scipy.sparse.csgraph import dijkstra
from typer.testing import CliRunner

from cityhall import cli
from cityhall.bench import dispatch
from cityhall.bench.dispatch_draws import draw
from cityhall.bench.dispatch_model import read, streets, tables
from cityhall.engines.coverage import roads

NETWORKS = Path(__file__).parents[3] / "shared" / "data" / "safety" / "jemss" / "small_networks"
SIZE = 7
STEP = 0.01
CONFIG = """<genConfig><sim><callDistributions>
<interarrivalTime seed="1">Exponential(1/90)</interarrivalTime><priority seed="1">Categorical([0.6, 0.4])</priority>
<dispatchDelay seed="1">Normal(50/60/60/24, 0)</dispatchDelay>
<onSceneDuration seed="1">Exponential(12/60/24)</onSceneDuration>
<transport seed="1">Bernoulli(0.5)</transport><handoverDuration seed="1">Weibull(2.5, 30/60/24)</handoverDuration>
</callDistributions></sim></genConfig>"""


def city(folder: Path) -> Path:
    """A grid of streets, 1.1 km apart, with three stations, one hospital and more people in one corner."""
    base = folder / "made" / "models" / "1"

    def put(name: str, text: str) -> None:
        path = base / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    nodes = [(x * STEP, y * STEP) for y in range(SIZE) for x in range(SIZE)]
    arcs = [(k, k + 1) for k in range(SIZE * SIZE) if (k + 1) % SIZE] + [
        (k, k + SIZE) for k in range(SIZE * (SIZE - 1))
    ]
    both = arcs + [(b, a) for a, b in arcs]
    minutes = {arc: 1.5 + (sum(arc) % 4) / 4 for arc in both}
    put(
        "travel/roads/nodes.csv",
        "nodes,,\nindex,x,y,offRoadAccess\n" + "".join(f"{k + 1},{x},{y},1\n" for k, (x, y) in enumerate(nodes)),
    )
    rows = [
        f"{k + 1},{a + 1},{b + 1},{minutes[a, b] / 1440},{1.4 * minutes[a, b] / 1440}\n"
        for k, (a, b) in enumerate(both)
    ]
    put(
        "travel/roads/arcs.csv",
        "miscData,\narcForm,numModes\ndirected,2\n,\narcs,\nindex,fromNode,toNode,mode_1,mode_2\n" + "".join(rows),
    )
    put(
        "travel/travel/travel_1.csv",
        "travelModes,\ntravelModeIndex,offRoadSpeed\n1,1128\n2,792\n,\ntravelSets,\ntravelSetIndex,priority,travelModeIndex\n1,high,1\n1,low,2\n",
    )
    put("maps/map_1.csv", "map,1\nxMin,xMax,yMin,yMax,xScale,yScale\n0,1,0,1,111.32,111.32\n")
    put(
        "misc/call priorities/priorities_1.csv",
        "priorities,\npriority,name,targetResponseTime\n1,high,0.005555556\n2,low,0.0138889\n",
    )
    put(
        "demand/demand_1.csv",
        "demandRasters,\nrasterIndex,rasterFilename\n1,$dir/people.tif\n,\ndemandModes,\nmodeIndex,rasterIndex,priority,arrivalRate\n1,1,high,54\n2,1,low,36\n",
    )
    put("demand/coverage/demand_coverage_1.csv", "coverTimes,\ndemandPriority,coverTime\nhigh,0.00497\nlow,0.0133\n")
    put("stations/stations_1.csv", "stations,\nindex,x,y,capacity\n1,0.005,0.011,3\n2,0.052,0.04,3\n3,0.02,0.055,3\n")
    put("hospitals/hospitals_1.csv", "hospitals,\nindex,x,y\n1,0.031,0.03\n")
    put("ambulances/ambulances_1.csv", "ambulances,\nindex,stationIndex,class\n1,1,1\n2,2,1\n3,2,1\n4,3,1\n")
    put("calls/reps/test/gen_config.xml", CONFIG)
    people = np.ones((12, 12), np.float32)
    people[:5, 6:] = 6.0
    people[0, 0] = 0.0
    info = ImageFileDirectory_v2()
    info[33550], info[33922] = (0.005, 0.005, 0.0), (0.0, 0.0, 0.0, 0.0, 0.06, 0.0)
    info.tagtype[33550] = info.tagtype[33922] = 12
    (folder / "made" / "data").mkdir()
    Image.fromarray(people).save(folder / "made" / "data" / "people.tif", tiffinfo=info)
    return folder / "made"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return city(tmp_path_factory.mktemp("jemss"))


def test_the_model_is_read_as_it_was_written(made: Path) -> None:
    model = read(made)
    assert len(model.streets.place) == SIZE * SIZE and model.home.tolist() == [0, 1, 1, 2]
    assert model.limit == pytest.approx([480.0, 1200.0], abs=0.1) and model.mode.tolist() == [0, 1]
    assert model.off_road == pytest.approx([47.0, 33.0])
    # 144 cells of which one is empty; the first of the rest is the second from the west in the north.
    assert len(model.raster.weight) == 143 and model.raster.weight.sum() == 6 * 30 + 113
    assert model.raster.place[0] == pytest.approx([0.0075 * 111.32, 0.0575 * 111.32])
    assert model.raster.size == pytest.approx([0.5566, 0.5566])


def test_calls_come_as_the_settings_say(made: Path) -> None:
    world = dispatch.world(read(made))
    calls = dispatch.calls(world, 3, 60.0)
    again = dispatch.calls(world, 3, 60.0)
    assert all(np.array_equal(one, two) for one, two in zip(calls, again, strict=True))
    days = dispatch.WARM_UP_DAYS + 60.0 + dispatch.TAIL_DAYS
    assert len(calls.came) / days == pytest.approx(90, rel=0.05)
    assert calls.known - calls.came == pytest.approx(np.full(len(calls.came), 50.0))
    assert (calls.priority == 0).mean() == pytest.approx(0.6, abs=0.03)
    assert calls.scene.mean() == pytest.approx(720, rel=0.05)
    assert (calls.carry > 0).mean() == pytest.approx(0.5, abs=0.03)
    # Most people live in the north-east, at least a third of them in its quarter of the nodes.
    east, north = world.model.streets.place[calls.node].T / 111.32
    assert ((east > 0.025) & (north > 0.03)).mean() > 0.5


def test_the_command_compares_policies_on_the_same_calls(made: Path) -> None:
    asked = ["bench", "dispatch", "--model", str(made), "--replications", "4", "--days", "10", "--json"]
    answer = CliRunner().invoke(cli.app, asked)
    assert answer.exit_code == 0, answer.output
    found = json.loads(answer.stdout.splitlines()[-1])
    assert {"closest", "static", "dmexclp"} <= found["policies"].keys() and found["moves_per_shift"] >= 0
    for row in found["policies"].values():
        assert 0 <= row["late_ci"][0] <= row["late"] <= row["late_ci"][1] <= 1 and row["mean_s"] > 50
    assert found["policies"]["static"]["elsewhere_per_shift"] == found["policies"]["static"]["moves_per_shift"] == 0
    ratio = found["policies"]["dmexclp"]["late"] / found["policies"]["static"]["late"]
    assert found["late_to_static"]["ratio"] == pytest.approx(ratio)
    again = json.loads(CliRunner().invoke(cli.app, asked).stdout.splitlines()[-1])
    assert again["policies"] == found["policies"]
    capped = json.loads(CliRunner().invoke(cli.app, [*asked, "--cap", "0"]).stdout.splitlines()[-1])
    assert capped["moves_per_shift"] == 0 and capped["policies"]["dmexclp"] == found["policies"]["freed_only"]


def test_what_is_no_model_is_said(tmp_path: Path, made: Path) -> None:
    answer = CliRunner().invoke(cli.app, ["bench", "dispatch", "--model", str(tmp_path), "--json"])
    assert answer.exit_code == 2 and "models/*/stations" in answer.stderr and not answer.stdout
    one = CliRunner().invoke(cli.app, ["bench", "dispatch", "--model", str(made), "--replications", "1"])
    assert one.exit_code == 2 and "two replications" in one.stderr


def test_packed_tables_and_undirected_roads(made: Path, tmp_path: Path) -> None:
    copy = city(tmp_path)
    for path in sorted(copy.rglob("*.csv")):
        (path.parent / (path.name + ".gz")).write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    one, two = read(made), read(copy)
    assert np.array_equal(one.streets.seconds, two.streets.seconds) and np.array_equal(one.station, two.station)
    nodes = tables("nodes,\nindex,x,y\n1,0,0\n2,1,0\n")["nodes"]
    both = streets(
        nodes, tables("miscData,\narcForm,\nundirected,\n,\narcs,\nindex,fromNode,toNode,mode_1\n1,1,2,1\n"), np.ones(2)
    )
    table = roads.make(both.tail, both.head, both.seconds, 2)
    assert roads.between(table, 0, 1, 0) == roads.between(table, 0, 0, 1) == 86_400


@pytest.mark.skipif(not NETWORKS.exists(), reason="the published networks are not here")
def test_published_networks_are_as_plain_dijkstra_has_them() -> None:
    folders = sorted(NETWORKS.iterdir())
    assert folders
    for folder in folders:
        nodes = tables((folder / "nodes.csv").read_text())["nodes"]
        made = streets(nodes, tables((folder / "arcs.csv").read_text()), np.ones(2))
        table = roads.make(made.tail, made.head, made.seconds, len(nodes))
        for mode, seconds in enumerate(made.seconds):
            order = np.argsort(-seconds, kind="stable")
            matrix = np.full((len(nodes), len(nodes)), np.inf)
            # Of arcs side by side the quickest is written last.
            matrix[made.tail[order], made.head[order]] = seconds[order]
            plain = dijkstra(np.where(np.isfinite(matrix), matrix, 0.0))
            for origin in range(len(nodes)):
                told = [roads.between(table, mode, origin, target) for target in range(len(nodes))]
                assert told == pytest.approx(plain[origin], rel=1e-6)


@pytest.mark.parametrize(
    ("text", "mean"),
    [
        ("Exponential(1/4)", 0.25),
        ("Normal(3, 0)", 3.0),
        ("Bernoulli(0.25)", 0.25),
        ("Categorical([0.5, 0, 0.5])", 1.0),
        ("Weibull(1, 2)", 2.0),
        ("Gamma(2, 3)", 6.0),
        ("LogNormal(0, 0)", 1.0),
    ],
)
def test_distributions_are_read(text: str, mean: float) -> None:
    values = draw(text, 10.0)(np.random.default_rng(1), 40_000)
    assert values.mean() == pytest.approx(10 * mean, rel=0.03)


@pytest.mark.parametrize(
    "text", ["", "Exponential", "Exponential(x)", "__import__('os')", "Cauchy(1, 2)", "Categorical(0.5)"]
)
def test_what_is_no_distribution_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        draw(text, 1.0)
