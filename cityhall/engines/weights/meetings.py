"""A crew and an account whose weights together are beyond what either of them has with others."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from cityhall.engines.weights.levels import Floats, Season, held, middles, spread

FEWEST, FEWEST_ELSE = 5, 3
"""Weighings of the two together, and of the account with others: without those nothing can be told apart."""
LEAST = 0.25
"""A share by which they are more, below which it is not worth an officer's time."""
CHANCE = 0.01
"""Chance for the whole list, of all pairs and both measures, to have a pair on it where there is none (Holm, 1979)."""


@dataclass(frozen=True, slots=True)
class Meeting:
    """`count` weighings of an account by a crew (a scale's number) are by the share `more` above its `others`.

    `chance` that any pair of the season looks so where nothing is behind it.
    """

    crew: int
    account: int
    count: int
    others: int
    more: float
    chance: float


def meetings(season: Season) -> list[Meeting]:
    """The pairs that stand out by what was announced or by the account's own history, the surest first."""
    if not len(season.day):
        return []
    both = [_tested(season, season.against_announced()), _tested(season, season.against_history())]
    every = sorted((one for rows in both for one in rows), key=lambda one: one.chance)
    found: dict[tuple[int, int], Meeting] = {}
    for place, one in enumerate(every):
        chance = min(1.0, one.chance * (len(every) - place))
        if chance > CHANCE:
            break
        if one.more >= LEAST:
            kept = Meeting(one.crew, one.account, one.count, one.others, one.more, chance)
            found.setdefault((one.crew, one.account), kept)
    return list(found.values())


def _tested(season: Season, values: Floats) -> list[Meeting]:
    """Every pair that can be tested, `chance` of it alone: one-sided, since only more brings points."""
    crews = int(season.scale.max()) + 1
    # A crew's scale that is off in all of its weighings is the scale's matter, not that of one account.
    week = np.asarray((season.day - season.day.min()) // 7, np.int64) * crews + season.scale
    centred = values - middles(values, season.account, int(season.account.max()) + 1)[season.account]
    centred = centred - middles(centred, season.scale, crews)[season.scale]
    weekly = middles(centred, week, int(week.max()) + 1)[week]
    level = values - middles(values - weekly, season.scale, crews)[season.scale] - weekly
    error = spread(held(centred - weekly))
    pair = season.account * crews + season.scale
    keys, at, counts = np.unique(pair, return_inverse=True, return_counts=True)
    sums = np.bincount(at, level)
    account = keys // crews
    all_counts, all_sums = np.bincount(account, counts), np.bincount(account, sums)
    others = all_counts[account] - counts
    able = (counts >= FEWEST) & (others >= FEWEST_ELSE)
    rows = []
    for place in np.flatnonzero(able):
        own, rest = int(counts[place]), int(others[place])
        gap = sums[place] / own - (all_sums[account[place]] - sums[place]) / rest
        sure = gap / (error * math.sqrt(1 / own + 1 / rest))
        rows.append(
            Meeting(
                int(keys[place] % crews),
                int(account[place]),
                own,
                rest,
                float(np.expm1(gap)),
                0.5 * math.erfc(sure / math.sqrt(2)),
            )
        )
    return rows
