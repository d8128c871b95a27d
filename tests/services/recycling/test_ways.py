"""The ways of trucks: along the streets of a small town, and without any streets."""

from __future__ import annotations

from datetime import datetime
from itertools import permutations, product

import pytest

from cityhall.engines.streets import StreetGraph
from cityhall.kernel.places.point import Point, metres_between
from cityhall.services.recycling import queries, rounds
from cityhall.services.recycling.ways import Ways
from tests.services.recycling.conftest import asked, somebody
from tests.services.recycling.test_rounds import TRUCK, holds, tomorrow, with_trucks
from tests.streetmap import place_of, town

CROSSINGS = [Point(*place_of(f"{column}{row}")) for column in "ABCDE" for row in (0, 2, 4, 6)]


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> StreetGraph:
    return StreetGraph.from_osm(town().write(tmp_path_factory.mktemp("town") / "town.osm"))


def test_a_way_over_another_place_is_never_shorter(graph: StreetGraph) -> None:
    """Whoever drops out of a round makes nobody later."""
    ways = Ways(graph.network("drive"))
    ways.learn(product(CROSSINGS, CROSSINGS))
    apart = {pair: ways.seconds(*pair) for pair in product(CROSSINGS, CROSSINGS)}
    for one, two, three in permutations(CROSSINGS, 3):
        assert apart[one, three] <= apart[one, two] + apart[two, three]
    assert any(apart[one, two] != apart[two, one] for one, two in permutations(CROSSINGS, 2)), "streets are one-way"
    others = Ways(graph.network("drive"))
    for one in CROSSINGS:
        others.learn_around(one, CROSSINGS)
    assert {pair: others.seconds(*pair) for pair in apart} == apart


def test_what_lies_off_the_streets_is_reached_across_country(graph: StreetGraph) -> None:
    ways = Ways(graph.network("drive"))
    home, nowhere = CROSSINGS[0], Point(CROSSINGS[0].lon - 0.5, CROSSINGS[0].lat)
    ways.learn([(home, nowhere), (nowhere, home)])
    straight = metres_between(home, nowhere) / 7
    assert straight <= ways.seconds(home, nowhere) == ways.seconds(nowhere, home) < straight + 1
    assert ways.way(home, nowhere).line == [tuple(home), tuple(nowhere)]
    bare = Ways(None)
    bare.learn_around(home, CROSSINGS)
    straight = metres_between(home, CROSSINGS[7]) / 7
    assert straight <= bare.seconds(home, CROSSINGS[7]) < straight + 1


@pytest.mark.usefixtures("recycling")
def test_a_round_goes_along_the_streets(graph: StreetGraph, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cityhall.kernel.places.streets.streets", lambda: graph)
    with_trucks(TRUCK | {"depot": list(CROSSINGS[0]), "unloading": [{"at": list(CROSSINGS[5])}]})
    for number, place in enumerate((CROSSINGS[2], CROSSINGS[11], CROSSINGS[6])):
        asked(somebody(f"one{number}"), begin=tomorrow(8), point=place, grams={"paper": 45_000})
    holds(tomorrow().date())
    whole = rounds.read(tomorrow().date(), whole=True).plan
    assert whole.cost == rounds.read(tomorrow().date()).plan.cost, "what a door needs of the ways is all that it says"
    moment: datetime = tomorrow(7)
    monkeypatch.setattr("django.utils.timezone.now", lambda: moment)
    (line,) = queries.rounds_layer(None)["features"]
    path = line["geometry"]["coordinates"]
    assert len(path) > 10, "from crossing to crossing, not from door to door"
