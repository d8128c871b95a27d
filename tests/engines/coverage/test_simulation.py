"""Roads beside a plain search; a simulated city beside one written plainly, event by event, without a table."""

from __future__ import annotations

import functools
import heapq
import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cityhall.engines.coverage import Cap, Ground, freed, move, roads
from cityhall.engines.coverage.simulation import CLOSEST, DMEXCLP, STATIC, Calls, City, Rule, simulate

Arcs = list[tuple[int, int, float, float]]


def search(arcs: Arcs, nodes: int, origin: int, mode: int) -> tuple[list[float], list[int]]:
    """Dijkstra as in a textbook: seconds to every node, and the node before each."""
    best, before = [math.inf] * nodes, [-1] * nodes
    best[origin] = 0.0
    heap = [(0.0, origin)]
    while heap:
        far, node = heapq.heappop(heap)
        for tail, head, *seconds in arcs:
            if tail == node and far == best[node] and far + seconds[mode] < best[head]:
                best[head], before[head] = far + seconds[mode], node
                heapq.heappush(heap, (best[head], head))
    return best, before


@st.composite
def maps(draw: st.DrawFn, least: int = 1, connected: bool = False) -> tuple[Arcs, int]:
    """Roads with long bends, one-way pieces, rings, loops and parallel arcs."""
    crossings = draw(st.integers(least, 4))
    arcs: Arcs = []
    nodes = crossings
    seconds = st.integers(1, 60).map(float)
    ways = [(k, (k + 1) % crossings) for k in range(crossings)] if connected else []
    ways += draw(st.lists(st.tuples(st.integers(0, crossings - 1), st.integers(0, crossings - 1)), max_size=4))
    for place, (a, b) in enumerate(ways):
        bends = draw(st.integers(0, 3))
        line = [a, *range(nodes, nodes + bends), b]
        nodes += bends
        # Of a connected map no piece may be without a way on or back.
        whole = "both" if place < crossings else draw(st.sampled_from(["both", "on", "back"]))
        for tail, head in itertools.pairwise(line):
            one, two = draw(seconds), draw(seconds)
            way = whole if connected else draw(st.sampled_from(["both", "both", "on", "back"]))
            if way != "back":
                arcs.append((tail, head, one, 1.5 * one))
            if way != "on":
                arcs.append((head, tail, two, 1.5 * two + 1))
    return arcs, nodes


def arrays(arcs: Arcs) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    table = np.array(arcs, float).reshape(-1, 4)
    return table[:, 0].astype(np.int64), table[:, 1].astype(np.int64), table[:, 2:].T.copy()


@settings(max_examples=80)
@given(made=maps())
def test_no_way_is_shorter_than_the_table_says(made: tuple[Arcs, int]) -> None:
    arcs, nodes = made
    tail, head, seconds = arrays(arcs)
    table = roads.make(tail, head, seconds, nodes)
    for mode in range(2):
        for origin in range(nodes):
            best, _ = search(arcs, nodes, origin, mode)
            told = [roads.between(table, mode, origin, target) for target in range(nodes)]
            assert told == pytest.approx(best, abs=1e-3)


def test_arcs_that_lead_nowhere_are_refused() -> None:
    with pytest.raises(ValueError, match="not there"):
        roads.make(np.array([0]), np.array([2]), np.ones((1, 1)), 2)
    with pytest.raises(ValueError, match="more than 0"):
        roads.make(np.array([0]), np.array([1]), np.zeros((1, 1)), 2)


@settings(max_examples=50)
@given(made=maps(least=2, connected=True), data=st.data())
def test_the_way_to_a_place_is_the_quickest(made: tuple[Arcs, int], data: st.DataObject) -> None:
    arcs, nodes = made
    goal = data.draw(st.integers(0, nodes - 1))
    way = roads.way_to(goal, *arrays(arcs), nodes, 1)
    for node in range(nodes):
        best = search(arcs, nodes, node, 1)[0][goal]
        assert way.left[node] == pytest.approx(best)
        if math.isfinite(best) and node != goal:
            step = min(arc[3] for arc in arcs if arc[:2] == (node, way.after[node]))
            assert best == pytest.approx(step + way.left[way.after[node]])
            assert way.other[0, node] == min(arc[2] for arc in arcs if arc[:2] == (node, way.after[node]))


class Plain:
    """The city told plainly: every way searched anew, every unit's place found on its list of nodes and times."""

    def __init__(self, arcs: Arcs, nodes: int, city: City, calls: Calls, rule: Rule) -> None:
        self.arcs, self.nodes, self.city, self.calls, self.rule = arcs, nodes, city, calls, rule
        self.units: list[dict[str, Any]] = [{"does": "wait", "station": int(home)} for home in city.home]
        self.queue: list[tuple[int, int]] = []
        self.response = [math.nan] * len(calls.known)
        self.cap, self.moves, self.elsewhere = Cap(rule.cap), 0, 0
        self.ground = Ground(city.cover, city.demand, city.capacity)
        self.search = functools.cache(lambda origin, mode: search(arcs, nodes, origin, mode)[0])

    def run(self) -> list[float]:
        events = [(float(at), 0, call, "call") for call, at in enumerate(self.calls.known)]
        heapq.heapify(events)
        while events:
            now, _, row, what = heapq.heappop(events)
            if what == "call":
                new = self.called(now, row)
            else:
                # An event of what the unit no longer does is void.
                new = self.done(now, row) if self.units[row].get("event") == (now, what) else []
            for at, unit, kind in new:
                self.units[unit]["event"] = (at, kind)
                heapq.heappush(events, (at, 1, unit, kind))
        return self.response

    def path(self, unit: dict[str, Any], to: int) -> list[tuple[int, float]]:
        """Nodes and when it is there, calm, from where it set out."""
        goal = int(self.city.station[to])
        steps, node = [(unit["node"], unit["at"])], unit["node"]
        while node != goal:
            after = int(self.city.after[to, node])
            took = min(arc[3] for arc in self.arcs if arc[:2] == (node, after))
            steps.append((after, steps[-1][1] + took))
            node = after
        return steps

    def ahead(self, unit: dict[str, Any], now: float, mode: int) -> tuple[int, float]:
        city, station = self.city, unit["station"]
        pace = 1.0 if mode == 1 else 0.5
        if unit["does"] == "wait":
            return int(city.station[station]), float(city.station_off[mode, station])
        steps = self.path(unit, station)
        if now < steps[0][1]:
            return steps[0][0], (steps[0][1] - now) * pace
        for (node, left), (after, there) in itertools.pairwise(steps):
            if left <= now < there:
                arc = min(arc[2 + mode] for arc in self.arcs if arc[:2] == (node, after))
                return after, arc * (there - now) / (there - left)
        return steps[-1][0], (now - steps[-1][1]) * pace

    def drive(self, node: int, call: int, mode: int) -> float:
        best = self.search(node, mode)
        return best[int(self.calls.node[call])] + float(self.calls.off[mode, call])

    def called(self, now: float, call: int) -> list[tuple[float, int, str]]:
        mode = int(self.city.mode[self.calls.priority[call]])
        ways = {}
        for number, unit in enumerate(self.units):
            if unit["does"] in ("wait", "return"):
                node, lead = self.ahead(unit, now, mode)
                ways[number] = lead + self.drive(node, call, mode)
        if not ways:
            self.queue.append((int(self.calls.priority[call]), call))
            return []
        chosen = min(ways, key=lambda number: ways[number])
        # A tie would be decided by rounding.
        assume(all(abs(way - ways[chosen]) > 1e-2 for number, way in ways.items() if number != chosen))
        sent = self.send(now, chosen, call, ways[chosen])
        return sent + self.move(now)

    def send(self, now: float, unit: int, call: int, drive: float) -> list[tuple[float, int, str]]:
        self.units[unit] |= {"does": "call", "call": call}
        self.response[call] = now + drive - float(self.calls.came[call])
        return [(now + drive + float(self.calls.scene[call] + self.calls.carry[call]), unit, "free")]

    def done(self, now: float, row: int) -> list[tuple[float, int, str]]:
        unit, city, calls = self.units[row], self.city, self.calls
        if unit["does"] == "return":
            unit["does"] = "wait"
            return []
        node, off = int(calls.free_node[unit["call"]]), calls.free_off[:, unit["call"]]
        if self.queue:
            chosen = min(self.queue)
            self.queue.remove(chosen)
            mode = int(city.mode[chosen[0]])
            return self.send(now, row, chosen[1], float(off[mode]) + self.drive(node, chosen[1], mode))
        seconds = np.array([self.search(node, 1)[int(to)] for to in city.station])
        waiting = self.waiting()
        to = unit["station"]
        if self.rule.policy == STATIC:
            to = int(city.home[row])
        elif self.rule.policy == CLOSEST:
            free = [place for place in range(len(seconds)) if waiting[place] < city.capacity[place]]
            to = min(free, key=lambda place: (seconds[place], place))
        else:
            to = freed(self.ground, waiting, seconds, busy=self.rule.busy, patience=self.rule.patience).station
        self.elsewhere += to != unit["station"]
        return self.go(row, to, node, now + float(off[1])) + self.move(now)

    def go(self, row: int, to: int, node: int, at: float) -> list[tuple[float, int, str]]:
        self.units[row] |= {"does": "return", "station": to, "node": node, "at": at}
        way = self.search(node, 1)[int(self.city.station[to])]
        return [(at + way + float(self.city.station_off[1, to]), row, "there")]

    def waiting(self) -> np.ndarray:
        at = [unit["station"] for unit in self.units if unit["does"] != "call"]
        return np.bincount(np.array(at, np.int64), minlength=len(self.city.capacity))

    def move(self, now: float) -> list[tuple[float, int, str]]:
        if self.rule.policy != DMEXCLP or not self.rule.cap:
            return []
        free = [row for row, unit in enumerate(self.units) if unit["does"] != "call"]
        if not free:
            return []
        places = [self.ahead(self.units[row], now, 1) for row in free]
        ways = np.array([[lead + self.search(node, 1)[int(to)] for to in self.city.station] for node, lead in places])
        at = np.array([self.units[row]["station"] for row in free])
        rest = np.where([self.units[row]["does"] == "wait" for row in free], 0.0, ways[np.arange(len(free)), at])
        advice = move(
            self.ground, at, rest, ways, now=now, cap=self.cap,
            busy=self.rule.busy, patience=self.rule.patience, gain=self.rule.gain,
        )  # fmt: skip
        if advice.unit < 0:
            return []
        self.cap.count(now)
        self.moves += 1
        node, lead = places[advice.unit]
        return self.go(free[advice.unit], advice.station, node, now + lead)


@settings(max_examples=80)
@given(
    made=maps(least=3, connected=True),
    seed=st.integers(0, 10**6),
    policy=st.sampled_from([0, 1, 2, 2]),
    cap=st.integers(0, 6),
)
def test_the_simulated_city_is_the_plain_one(made: tuple[Arcs, int], seed: int, policy: int, cap: int) -> None:
    arcs, nodes = made
    rng = np.random.default_rng(seed)
    stations, units, count, points = 3, int(rng.integers(1, 4)), 25, 5
    station = rng.integers(0, nodes, stations)
    off = rng.uniform(1, 20, stations)
    ways = [roads.way_to(int(node), *arrays(arcs), nodes, 1) for node in station]
    city = City(
        roads.make(*arrays(arcs), nodes), station, np.stack([0.5 * off, off]), np.full(stations, units),
        np.array([way.after for way in ways]), np.array([way.left for way in ways]),
        np.stack([way.other for way in ways], axis=1), 1, rng.integers(0, stations, units), np.array([0, 1]),
        rng.random((points, stations)) < 0.5, rng.uniform(1, 9, points),
    )  # fmt: skip
    came = np.cumsum(rng.exponential(120.0, count))
    away, free = rng.uniform(0, 9, count), rng.uniform(0, 9, count)
    calls = Calls(
        came, came + 5.0, rng.integers(0, 2, count), rng.integers(0, nodes, count), np.stack([0.5 * away, away]),
        rng.uniform(10, 300, count), rng.integers(0, nodes, count), np.stack([0.5 * free, free]),
        np.where(rng.random(count) < 0.5, rng.uniform(10, 300, count), 0.0),
    )  # fmt: skip
    rule = Rule(policy, cap, 0.2, 600.0, 0.01)
    plain = Plain(arcs, nodes, city, calls, rule)
    expected = plain.run()
    found = simulate(city, calls, rule, 0.0)
    assert found.response.tolist() == pytest.approx(expected, abs=0.05)
    assert found.moves <= plain.moves and found.elsewhere <= plain.elsewhere


def test_calls_out_of_order_are_refused() -> None:
    one = np.zeros(2)
    calls = Calls(one, np.array([2.0, 1.0]), *[one] * 7)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="order"):
        simulate(None, calls, Rule(STATIC), 0.0)  # type: ignore[arg-type]
