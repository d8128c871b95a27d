"""Headway control in simulation: the same days without control, by timetable, and by rules that even the gaps."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from cityhall.engines.headway import holding
from cityhall.engines.headway.holding import Advice
from cityhall.engines.headway.simulation import Line, Moment, Outcome, Rule, simulate

LINES = {
    "shuttle": Line(
        travel_s=np.full(12, 55.0), arrivals=np.full(12, 1.1 / 60), buses=4, control=(0, 6), capacity=45, spread=0.2
    ),
    "long line": Line(
        travel_s=np.full(30, 62.0),
        arrivals=np.full(30, 1.0 / 60),
        buses=8,
        control=(0, 10, 20),
        capacity=80,
        spread=0.2,
    ),
}
SLACK = 1.1
"""A timetable's round is this much longer than the mean, so that most buses can keep it."""


def by_timetable(line: Line) -> Rule:
    """Holding until the departure: each bus has its place in a timetable of even headways."""
    length = line.round_s() * SLACK
    share = np.concatenate([[0.0], np.cumsum(line.travel_s)[:-1]]) / line.travel_s.sum()

    def rule(moment: Moment) -> Advice:
        start = moment.bus * length / line.buses + (moment.round - 1) * length
        return holding.scheduled(moment.now, start + float(share[moment.stop]) * length, longest=holding.LONGEST_S)

    return rule


def rules(line: Line) -> dict[str, Rule | None]:
    """The rules by name; None holds nobody."""
    return {
        "no control": None,
        "by timetable": by_timetable(line),
        "self-equalising": lambda moment: holding.self_equalising(moment.behind, longest=holding.LONGEST_S),
        "two-way (ours)": lambda moment: holding.two_way(
            moment.ahead,
            moment.behind,
            longest=holding.LONGEST_S,
            aboard=moment.aboard,
            arrivals=moment.arrivals,
        ),
    }


def run(seeds: int = 20, hours: float = 10.0) -> list[dict[str, Any]]:
    """One row a line and rule: means over the days, and ratios to no control."""
    rows: list[dict[str, Any]] = []
    for name, line in LINES.items():
        outcomes: dict[str, list[Outcome]] = {}
        for rule_name, rule in rules(line).items():
            began = time.perf_counter()
            outcomes[rule_name] = [simulate(line, rule, seed=seed, hours=hours) for seed in range(seeds)]
            took = time.perf_counter() - began
            rows.append({"line": name, "rule": rule_name} | _row(outcomes[rule_name], outcomes["no control"], took))
    return rows


def _row(days: list[Outcome], base: list[Outcome], took: float) -> dict[str, Any]:
    def mean(of: list[Outcome], what: str) -> float:
        return float(np.mean([getattr(day, what) for day in of]))

    better = sum(day.wait_s < other.wait_s for day, other in zip(days, base, strict=True))
    return {
        "days": len(days),
        "headway CV": mean(days, "headway_cv"),
        "CV / none": mean(days, "headway_cv") / mean(base, "headway_cv"),
        "mean wait s": mean(days, "wait_s"),
        "wait / none": mean(days, "wait_s") / mean(base, "wait_s"),
        "round s": mean(days, "round_s"),
        "held s a round": mean(days, "held_s"),
        "days better": f"{better}/{len(days)}" if days is not base else "",
        "s": took,
    }
