"""Rules for holding a bus at a control point. Each gives seconds to wait from now on."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Reason = Literal["go", "even", "longest", "riders", "alone"]
LONGEST_S = 120.0
"""Riders who sit in a bus that stands lose patience; a hold is never longer."""
WORTH_S = 8.0
"""A hold shorter than this is not asked for: no driver can keep to it."""


@dataclass(frozen=True, slots=True)
class Advice:
    """`hold_s` is 0 where the bus should go. `reason` says what decided.

    go: the gap ahead is wide enough; even: hold so that both gaps are as wide; longest: held no longer than is
    bearable; riders: those aboard would lose more than those who wait would win; alone: there is nobody to keep away
    from.
    """

    hold_s: float
    reason: Reason


def two_way(
    ahead: float,
    behind: float,
    *,
    gain: float = 0.9,
    longest: float = LONGEST_S,
    aboard: float = 0.0,
    arrivals: float = 0.0,
    weight: float = 0.2,
) -> Advice:
    """Holds a bus that is nearer to the one before it than to the one after, by part of half the difference.

    `ahead` is the time since the bus before left here, `behind` the time until the one after comes, seconds, NaN for
    nobody. Holding h seconds makes the gaps ahead + h and behind - h. With `arrivals` riders a second still to board
    downstream, who wait half of their gap's square, that wins them arrivals·h·(behind - ahead - h) seconds, and costs
    the `aboard` riders weight·aboard·h. The sum is best at h = (behind - ahead - weight·aboard / arrivals) / 2: a full
    bus goes although it is close, because holding it would make things worse. `weight` is what a second aboard counts
    beside one at the stop; it is small because gaps once even stay so for longer than this round (found in simulation).

    Looks both ways as Daganzo and Pilachowski, Reducing bunching with bus-to-bus cooperation, Transportation Research
    Part B 45(1), 2011; needs no timetable, as Bartholdi and Eisenstein (see `self_equalising`).
    """
    if math.isnan(ahead) or math.isnan(behind):
        return Advice(0.0, "alone")
    even = gain * (behind - ahead) / 2
    if even < WORTH_S:
        return Advice(0.0, "go")
    fair = even if arrivals <= 0 else min(even, (behind - ahead - weight * aboard / arrivals) / 2)
    if fair < WORTH_S:
        return Advice(0.0, "riders")
    if fair > longest:
        return Advice(longest, "longest")
    return Advice(fair, "even" if fair == even else "riders")


def self_equalising(behind: float, *, alpha: float = 0.25, longest: float = LONGEST_S) -> Advice:
    """Holds every bus by a share of the gap behind it, whatever is ahead: the gaps become even by themselves.

    Source: Bartholdi and Eisenstein, A self-coördinating bus route to resist bus bunching, Transportation Research
    Part B 46(4), 2012, section 3. Each bus stands at every control point, about `alpha` of a headway.
    """
    if math.isnan(behind):
        return Advice(0.0, "alone")
    hold = max(0.0, alpha * behind)
    return Advice(longest, "longest") if hold > longest else Advice(hold, "even" if hold >= WORTH_S else "go")


def scheduled(now: float, departure: float, *, longest: float = LONGEST_S) -> Advice:
    """Holds an early bus until its departure by the timetable, as is usual: a late one is not helped."""
    wait = departure - now
    if wait <= 0:
        return Advice(0.0, "go")
    return Advice(longest, "longest") if wait > longest else Advice(wait, "even")
