"""Streets for each means of moving: what the engine answers is what a plain search over the map as written answers."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path as File

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from cityhall.engines.streets import PROFILES, Network, OsmError, Path, Profile, StreetGraph
from cityhall.engines.streets.profiles import RULES
from tests.engines.streets.plain import Plain, metres
from tests.streetmap import HERON, KINDS, LOOKOUT, TERRACE, Map, Point, place_of, town

TOWN = town()


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> StreetGraph:
    return StreetGraph.from_osm(TOWN.write(tmp_path_factory.mktemp("osm") / "town.osm"))


def way(network: Network, origin: Point, target: Point) -> Path | None:
    a, b = network.snap(*origin), network.snap(*target)
    assert a is not None and b is not None
    return network.route(a, b)


def streets_of(path: Path | None) -> list[str]:
    assert path is not None
    return [step.name for step in path.steps]


USABLE = [name for name in KINDS if name not in ("square", "railway")]
"""The others are never read as ways at all: see the map's names below."""


@pytest.mark.parametrize("kind", USABLE)
@pytest.mark.parametrize("profile", PROFILES)
def test_who_may_use_a_way_and_how_fast(kind: str, profile: Profile) -> None:
    assert RULES[profile](KINDS[kind].tags) == pytest.approx(getattr(KINDS[kind], profile))


@pytest.mark.parametrize("profile", PROFILES)
def test_a_thousand_ways_through_the_town(graph: StreetGraph, profile: Profile) -> None:
    network, plain = graph.network(profile), Plain(TOWN, profile)
    part = plain.largest()
    draw = random.Random(profile)
    crossings = [place for node, place in TOWN.nodes.items() if node in part]

    def somewhere() -> Point:
        if draw.random() < 0.4:
            return draw.choice(crossings)
        return draw.uniform(-51.237, -51.2), draw.uniform(-30.055, -30.005)

    ways = 0
    for _ in range(50):
        origin, goals = somewhere(), [somewhere() for _ in range(5)]
        snap, places = network.snap(*origin, limit_m=2000), [network.snap(*goal, limit_m=2000) for goal in goals]
        start, ends = plain.nearest(origin, part), [plain.nearest(goal, part) for goal in goals]
        assert snap is not None and snap.away == pytest.approx(start.away, rel=2e-3, abs=0.1)
        seconds = network.one_to_many(snap, places, 4 * 3600)
        for goal, place, end, found in zip(goals, places, ends, seconds.tolist(), strict=True):
            assert place is not None and place.away == pytest.approx(end.away, rel=2e-3, abs=0.1)
            expected = plain.between(start, end)
            path = network.route(snap, place)
            assert path is not None and path.duration == found, (origin, goal)
            # Every segment is rounded to tenths of a second.
            assert found == pytest.approx(expected, rel=2e-3, abs=0.06 * len(path.lon) + 0.2), (origin, goal)
            ways += expected > 60
    assert ways > 150


@pytest.mark.parametrize("profile", PROFILES)
def test_a_way_lies_on_streets_that_one_may_use(graph: StreetGraph, profile: Profile) -> None:
    """Each piece of the line is looked up in the map; their times and lengths are those that were told."""
    network, plain = graph.network(profile), Plain(TOWN, profile)
    draw = random.Random(f"{profile} lines")
    for _ in range(40):
        origin, goal = ((draw.uniform(-51.237, -51.203), draw.uniform(-30.052, -30.008)) for _ in range(2))
        path = way(network, origin, goal)
        assert path is not None
        line = list(zip(path.lon.tolist(), path.lat.tolist(), strict=True))
        length = sum(metres(a, b) for a, b in pairwise(line))
        assert path.distance == pytest.approx(length, rel=2e-3, abs=0.5)
        assert sum(step.distance for step in path.steps) == pytest.approx(path.distance, abs=0.01)
        seconds = sum(_pace(plain, a, b) for a, b in pairwise(line))
        assert seconds == pytest.approx(path.duration, rel=2e-3, abs=0.06 * len(line) + 0.3)
        for place, end in ((origin, line[0]), (goal, line[-1])):
            assert metres(place, end) == pytest.approx(plain.nearest(place, plain.largest()).away, rel=2e-3, abs=0.1)


def _pace(plain: Plain, a: Point, b: Point) -> float:
    """Seconds from a to b along the one piece that both lie on, the way it may be gone; inf where there is none."""
    best = math.inf
    for piece in plain.pieces:
        first, last = plain._on(piece, a), plain._on(piece, b)
        if max(first.away, last.away) < 0.2:
            best = min(best, metres(a, b) / piece.length * (piece.along if last.share > first.share else piece.against))
    return best if metres(a, b) > 0.3 else 0.0


def test_a_street_with_one_direction(graph: StreetGraph) -> None:
    """4. Street runs east and 6. Street west: by car only that way, on foot both."""
    for row, first, last in ((3, "A", "F"), (5, "F", "A")):
        there, back = place_of(f"{first}{row}"), place_of(f"{last}{row}")
        name = f"{row + 1}. Street"
        assert streets_of(way(graph.network("drive"), there, back)) == [name]
        assert name not in streets_of(way(graph.network("drive"), back, there))
        assert streets_of(way(graph.network("walk"), back, there)) == [name]
    # By bicycle also against it where a sign says so: 8. Street, and the lane beside it.
    assert streets_of(way(graph.network("bike"), place_of("F7"), place_of("A7"))) == ["8. Street"]
    assert "8. Street" not in streets_of(way(graph.network("drive"), place_of("F7"), place_of("A7")))
    assert streets_of(way(graph.network("bike"), place_of("F7"), place_of("E6"))) == ["Opposite Cut"]


def test_from_a_crossing_every_street_of_it_is_open(graph: StreetGraph) -> None:
    """Whichever of its streets a place on a crossing is put on, a one-way one too."""
    network, plain = graph.network("drive"), Plain(TOWN, "drive")
    part = plain.largest()
    for node in sorted(part):
        place = network.snap(*TOWN.nodes[node])
        assert place is not None
        near = [other for other, _ in plain.ways_out[node] if other in part]
        snaps = [network.snap(*TOWN.nodes[other]) for other in near]
        expected = plain.times({node: 0.0})
        found = network.one_to_many(place, snaps, 3600).tolist()
        assert found == pytest.approx([expected[other] for other in near], rel=2e-3, abs=0.5), TOWN.nodes[node]


def test_a_wheelchair_takes_no_stairs_and_no_steep_path(graph: StreetGraph) -> None:
    beach = place_of("E1")
    on_foot = way(graph.network("walk"), beach, LOOKOUT)
    assert streets_of(on_foot) == ["Sailors' Stairs"]
    round_it = way(graph.network("wheelchair"), beach, LOOKOUT)
    assert on_foot is not None and round_it is not None and round_it.distance > 3 * on_foot.distance
    assert "Lookout Path" in streets_of(round_it) and "Sailors' Stairs" not in streets_of(round_it)
    assert "Goat Track Cut" in streets_of(way(graph.network("walk"), place_of("A1"), place_of("B2")))
    assert "Goat Track Cut" not in streets_of(way(graph.network("wheelchair"), place_of("A1"), place_of("B2")))
    assert "Stairs With A Ramp Cut" in streets_of(way(graph.network("wheelchair"), place_of("B5"), place_of("C6")))
    # The High Bridge is level and its far end is stairs: it helps nobody who cannot climb them.
    assert "High Bridge" in streets_of(way(graph.network("walk"), place_of("F6"), place_of("G6")))
    assert "Harbour Street" in streets_of(way(graph.network("wheelchair"), place_of("F6"), place_of("G6")))
    assert "Heron Bridge" in streets_of(way(graph.network("wheelchair"), place_of("F2"), place_of("G2")))


def test_a_private_way_is_nobodys_short_cut(graph: StreetGraph) -> None:
    for profile in PROFILES:
        for start, end, name in (("A6", "B7", "Private Cut"), ("B1", "C2", "Customers Cut")):
            assert name not in streets_of(way(graph.network(profile), place_of(start), place_of(end)))
    assert "Residents Cut" in streets_of(way(graph.network("wheelchair"), place_of("B2"), place_of("C1")))
    assert "Gated Cut" in streets_of(way(graph.network("walk"), place_of("A7"), place_of("B6")))
    assert "Gated Cut" not in streets_of(way(graph.network("bike"), place_of("A7"), place_of("B6")))


def test_nobody_walks_on_the_ring_road(graph: StreetGraph) -> None:
    assert streets_of(way(graph.network("drive"), place_of("A0"), place_of("F0"))) == ["Ring Road"]
    for profile in ("walk", "wheelchair", "bike"):
        assert "Ring Road" not in streets_of(way(graph.network(profile), place_of("A0"), place_of("F0")))  # type: ignore[arg-type]


@pytest.mark.parametrize("profile", PROFILES)
def test_nobody_begins_on_an_island_or_in_a_trap(graph: StreetGraph, profile: Profile) -> None:
    network = graph.network(profile)
    assert network.snap(*HERON) is None
    far = network.snap(*HERON, limit_m=5000)
    assert far is not None and far.away > 2000 and network.names[int(network.name[far.segment])] != "Heron Walk"
    alley = network.snap(-51.22, -30.0085)
    assert alley is not None
    assert (network.names[int(network.name[alley.segment])] == "Trap Alley") == (profile in ("walk", "wheelchair"))


def test_turns_are_told_as_one_sees_them(graph: StreetGraph) -> None:
    north = (-51.235, -30.0125)
    path = way(graph.network("walk"), north, place_of("C7"))
    assert path is not None
    (first, last) = path.steps
    assert (first.turn, first.name) == ("depart", "Alder Avenue") and (last.turn, last.name) == ("left", "8. Street")
    assert last.distance == pytest.approx(2 * metres(place_of("A7"), place_of("B7")), rel=1e-3)
    assert (last.lon, last.lat) == pytest.approx(place_of("A7"))
    back = way(graph.network("walk"), place_of("C7"), north)
    assert back is not None and [step.turn for step in back.steps] == ["depart", "right"]
    loop = way(graph.network("walk"), (-51.2300, -30.0525), place_of("C0"))
    assert loop is not None and loop.steps[0].name == "Loop Close" and loop.steps[-1].name == "1. Street"


def test_walks_between_many_places_are_those_between_each_two(graph: StreetGraph) -> None:
    """`footpaths` in one go is `one_to_many` from each; nothing over the limit, nothing to itself, no island."""
    draw = np.random.default_rng(5)
    lon, lat = draw.uniform(-51.237, -51.203, 60), draw.uniform(-30.052, -30.008, 60)
    lon[:4], lat[:4] = [HERON[0], TERRACE[0], LOOKOUT[0], lon[7]], [HERON[1], TERRACE[1], LOOKOUT[1], lat[7]]
    for profile in ("walk", "wheelchair"):
        network = graph.network(profile)  # type: ignore[arg-type]
        origin, target, seconds = network.footpaths(lon, lat, 900)
        found = dict(zip(zip(origin.tolist(), target.tolist(), strict=True), seconds.tolist(), strict=True))
        snaps = network.snap_all(lon, lat)
        expected = {}
        for row, snap in enumerate(snaps):
            if snap is not None:
                for other, time in enumerate(network.one_to_many(snap, snaps, 900).tolist()):
                    if other != row and time < math.inf:
                        expected[row, other] = math.ceil(round(time * 10) / 10)
        assert found == expected and len(found) > 100 and not any(0 in pair for pair in found)


def test_the_names_of_streets_are_where_they_are(graph: StreetGraph) -> None:
    names = {name: (lon, lat) for name, lon, lat in graph.street_names()}
    for made in TOWN.ways:
        if made.kind and made.name:
            usable = any(max(getattr(made.kind, profile)) > 0 for profile in PROFILES)
            assert (made.name in names) == usable, made.name
    assert names["Heron Bridge"] == pytest.approx(
        tuple(sum(part) / 2 for part in zip(place_of("F2"), place_of("G2"), strict=True))
    )


def test_a_graph_is_kept_and_opened_as_it_was(graph: StreetGraph, tmp_path: File) -> None:
    graph.save(tmp_path / "kept")
    opened = StreetGraph.load(tmp_path / "kept")
    ends = place_of("A8"), place_of("G0")
    for profile in PROFILES:
        before, after = way(graph.network(profile), *ends), way(opened.network(profile), *ends)
        assert before is not None and after is not None and before.steps == after.steps
        assert before.duration == after.duration and before.lon.tolist() == after.lon.tolist()


def _node_after_ways(path: File) -> None:
    text = TOWN.write(path).read_text().replace("</osm>", "")
    lines = text.splitlines()
    nodes = [line for line in lines if line.startswith("<node")]
    path.write_text("\n".join([*(line for line in lines if line not in nodes), *nodes, "</osm>"]))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "cannot be read"),
        ("not a map", "cannot be read"),
        ('<osm version="0.6"><node id="1" lat="1" lon="1" version="1"/></osm>', "no streets"),
        ("<osm><way", "cannot be read"),
        (None, "Sort the file"),
    ],
)
def test_what_is_no_map_says_what_to_do(tmp_path: File, text: str | None, says: str) -> None:
    path = tmp_path / "map.osm"
    if text is None:
        _node_after_ways(path)
    else:
        path.write_text(text)
    with pytest.raises(OsmError, match=says):
        StreetGraph.from_osm(path)
    with pytest.raises(OsmError, match="no such file"):
        StreetGraph.from_osm(tmp_path / "none.osm")


@st.composite
def any_map(draw: st.DrawFn) -> Map:
    """A few crossings anywhere (none on the line between two others), ways of any kind, loops, doubles, islands."""
    made = Map()
    places = random.Random(draw(st.integers(0, 2**32)))
    for _ in range(draw(st.integers(2, 10))):
        made.node(places.uniform(-51.2, -51.19), places.uniform(-30.0, -29.99))
    numbers = st.lists(st.sampled_from(sorted(made.nodes)), min_size=2, max_size=5)
    for nodes, kind in draw(st.lists(st.tuples(numbers, st.sampled_from(USABLE)), min_size=1, max_size=9)):
        cleaned = [node for node, before in zip(nodes, [None, *nodes], strict=False) if node != before]
        if len(cleaned) > 1:
            made.street(kind, f"{kind} {len(made.ways)}", *cleaned)
    return made


def _parts(plain: Plain) -> Iterator[set[int]]:
    left = {end for piece in plain.pieces for end in (piece.a, piece.b)}
    while left:
        part = plain.part_of(min(left))
        left -= part
        yield part


@settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much],
)
@given(any_map(), st.sampled_from(PROFILES))
def test_any_map_is_searched_as_a_plain_search_does(tmp_path: File, made: Map, profile: Profile) -> None:
    assume(any(max(getattr(one.kind, name)) > 0 for one in made.ways for name in PROFILES))
    network = StreetGraph.from_osm(made.write(tmp_path / "any.osm")).network(profile)
    plain = Plain(made, profile)
    snaps = {node: network.snap(*place, limit_m=0.5) for node, place in made.nodes.items()}
    # One of the parts one gets about in is the network; the others are islands, and nobody is put there.
    inside = {node for node, snap in snaps.items() if snap is not None}
    parts = [part for part in _parts(plain) if len(part) > 1]
    if not parts:
        assert not network.main.any()
        return
    (part,) = [part for part in parts if part <= inside][:1] or [set[int]()]
    assert part, (inside, parts)
    for node in sorted(part):
        snap = snaps[node]
        assert snap is not None
        expected = plain.times({node: 0.0})
        goals = sorted(part)
        found = network.one_to_many(snap, [snaps[goal] for goal in goals], 7200).tolist()
        assert found == pytest.approx([expected[goal] for goal in goals], rel=3e-3, abs=2.5)
