"""A loop line driven stop by stop, to try rules of holding against one another on the same luck.

Buses that are late find more people waiting, take longer, and become later: gaps that are a little uneven grow until
buses come in bunches (Newell and Potts, Maintaining a bus schedule, 1964). Nobody overtakes between stops.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from cityhall.engines.headway.gaps import mean_wait, variation
from cityhall.engines.headway.holding import Advice

Float64 = npt.NDArray[np.float64]
BOARDING_S, ALIGHTING_S, DOORS_S = 2.4, 1.3, 5.0
"""Seconds a rider, and for the doors (Transit Capacity and Quality of Service Manual, 3rd ed., chapter 6)."""
APART_S = 6.0
"""The least time between two buses at a stop."""


@dataclass(frozen=True, slots=True)
class Line:
    """A loop: usual seconds from each stop to the next, riders who come a second at each stop, and the fleet.

    `spread` is the coefficient of variation of each segment's time (lognormal); `rides` how many stops a rider stays.
    """

    travel_s: Float64
    arrivals: Float64
    buses: int
    control: tuple[int, ...]
    capacity: int = 45
    spread: float = 0.18
    rides: float = 6.0

    def round_s(self) -> float:
        """How long a round takes on the average with even gaps, dwells included and nobody held."""
        dwell = DOORS_S * self.travel_s.size
        boarding = BOARDING_S * float(self.arrivals.sum())
        # A bus boards what came in one headway, and a headway is a round over the buses.
        return (float(self.travel_s.sum()) + dwell) / (1 - boarding / self.buses)


@dataclass(frozen=True, slots=True)
class Moment:
    """What a rule may know when a bus is ready to leave a control point: gaps in seconds, riders aboard, and when."""

    now: float
    bus: int
    stop: int
    round: int
    ahead: float
    behind: float
    aboard: int
    arrivals: float


Rule = Callable[[Moment], Advice]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a day: `headway_cv` and `wait_s` over all stops, `round_s` a mean round, `held_s` held in it."""

    headway_cv: float
    wait_s: float
    round_s: float
    held_s: float
    rounds: int


@dataclass
class _Day:
    line: Line
    rule: Rule | None
    rng: np.random.Generator
    usual: Float64  # (stops,) usual seconds from the first stop to each
    left: Float64  # (stops,) when a bus last left each
    came: Float64  # (stops,) when one last came
    place: list[tuple[int, float]]  # of each bus: the stop it leaves or has left, and when
    load: list[int]
    rounds: list[int]
    headways: list[float] = field(default_factory=list)
    held: float = 0.0


def simulate(line: Line, rule: Rule | None, *, seed: int, hours: float = 12.0, warm_up_s: float = 3600.0) -> Outcome:
    """A day of the line under a rule; None holds nobody. The same seed gives the same day but for what the rule does.

    The buses begin as they come out of the depot: evenly but for some chance.
    """
    rng = np.random.default_rng(seed)
    stops, step = line.travel_s.size, line.round_s() / line.buses
    share = np.concatenate([[0.0], np.cumsum(line.travel_s)[:-1]]) / line.travel_s.sum()
    day = _Day(
        line=line,
        rule=rule,
        rng=rng,
        usual=share * line.round_s(),
        left=np.full(stops, -step),
        came=np.full(stops, np.nan),
        place=[(0, 0.0)] * line.buses,
        load=[0] * line.buses,
        rounds=[0] * line.buses,
    )
    starts = sorted(max(0.0, bus * step + rng.normal(0, 0.1 * step)) for bus in range(line.buses))
    events = [(start, bus, 0) for bus, start in enumerate(starts)]
    begun: list[list[float]] = [[] for _ in range(line.buses)]
    heapq.heapify(events)
    while events[0][0] < hours * 3600:
        now, bus, stop = heapq.heappop(events)
        if stop == 0:
            begun[bus].append(now)
            day.rounds[bus] += 1
        heapq.heappush(events, _call(day, now, bus, stop, now > warm_up_s))
    took = np.concatenate([np.diff(times) for times in begun])
    headways = np.array(day.headways)
    return Outcome(variation(headways), mean_wait(headways), float(took.mean()), day.held / took.size, took.size)


def _call(day: _Day, now: float, bus: int, stop: int, counts: bool) -> tuple[float, int, int]:
    """A bus calls at a stop; gives when it comes to the next one."""
    line, rng = day.line, day.rng
    if counts and not np.isnan(day.came[stop]):
        day.headways.append(now - float(day.came[stop]))
    day.came[stop] = now
    off = int(rng.binomial(day.load[bus], min(1.0, 1 / line.rides)))
    waiting = int(rng.poisson(line.arrivals[stop] * max(0.0, now - float(day.left[stop]))))
    on = min(waiting, line.capacity - day.load[bus] + off)
    day.load[bus] += on - off
    ready = now + DOORS_S + max(on * BOARDING_S, off * ALIGHTING_S)
    if day.rule is not None and stop in line.control:
        hold = day.rule(_moment(day, ready, bus, stop)).hold_s
        day.held += hold
        ready += hold
    day.left[stop] = max(ready, float(day.left[stop]))
    day.place[bus] = (stop, ready)
    after = (stop + 1) % line.travel_s.size
    noise = float(np.exp(rng.normal(-(line.spread**2) / 2, line.spread)))
    comes = ready + float(line.travel_s[stop]) * noise
    if not np.isnan(day.came[after]):
        comes = max(comes, float(day.came[after]) + APART_S)
    return comes, bus, after


def _moment(day: _Day, now: float, bus: int, stop: int) -> Moment:
    line = day.line
    length = line.round_s()
    behind = np.nan
    if line.buses > 1:
        reach = []
        for other, (at, since) in enumerate(day.place):
            if other != bus:
                after = (at + 1) % line.travel_s.size
                step = (day.usual[after] - day.usual[at]) % length
                far = (day.usual[stop] - day.usual[at] - min(max(0.0, now - since), step)) % length
                reach.append(far)
        behind = min(reach)
    return Moment(
        now=now,
        bus=bus,
        stop=stop,
        round=day.rounds[bus],
        ahead=max(0.0, now - float(day.left[stop])),
        behind=float(behind),
        aboard=day.load[bus],
        arrivals=float(line.arrivals.sum()),
    )
