"""No count under five can be solved for from what is published, by whoever has a linear solver.

The attacker here knows nothing of the engine's own equations: their unknowns are line by stop by hour, as single
reports are counted, and what they know is each published sum of those, and which line calls at which stop.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from cityhall.engines.disclosure import Linked, interval, linked, published, tables_of

LEAST = 5
BANDS = 3
Report = tuple[str, str, int]


@st.composite
def cities(draw: st.DrawFn) -> tuple[list[tuple[str, str]], list[Report]]:
    """Which line calls at which stop, and reports; most are of a few places, as in any city."""
    lines = [f"L{number}" for number in range(draw(st.integers(1, 4)))]
    stops = [f"S{number}" for number in range(draw(st.integers(1, 5)))]
    every = [(line, stop) for line in lines for stop in stops]
    pairs = sorted({draw(st.sampled_from(every)) for _line in range(draw(st.integers(1, 10)))})
    reports: list[Report] = []
    for _place in range(draw(st.integers(0, 5))):
        line, stop = draw(st.sampled_from(pairs))
        reports += [(line, stop, draw(st.integers(0, BANDS - 1)))] * draw(st.integers(0, 12))
    return pairs, reports


def known_sums(
    tables: Linked, may: np.ndarray, pairs: list[tuple[str, str]]
) -> tuple[list[Report], np.ndarray, np.ndarray]:
    """The attacker's unknowns, and what each published count says of them."""
    unknown = [(line, stop, band) for line, stop in pairs for band in range(BANDS)]
    rows, values = [], []
    for key, count, known in zip(tables.keys, tables.counts, may, strict=True):
        if known:
            rows.append([float(_in(key, one)) for one in unknown])
            values.append(float(count))
    return unknown, np.array(rows).reshape(-1, len(unknown)), np.array(values)


def _in(key: tuple, report: Report) -> bool:
    line, stop, band = report
    return {
        "all": key[1:] == (),
        "line": key[1:] == (line,),
        "stop": key[1:] == (stop,),
        "band": key[1:] == (band,),
        "line band": key[1:] == (line, band),
        "line stop": key[1:] == (line, stop),
    }[key[0]]


def solve(rows: np.ndarray, values: np.ndarray, wanted: np.ndarray) -> tuple[float, float]:
    """The least and the most of a sum of unknowns, none of which is below nought."""
    ends = []
    for sign in (1.0, -1.0):
        known = {"A_eq": rows, "b_eq": values} if len(values) else {}
        found = optimize.linprog(sign * wanted, bounds=(0, None), method="highs", **known)
        if found.status in (3, 4):
            ends.append(sign * -np.inf)
            continue
        assert found.status == 0, found.message
        ends.append(sign * found.fun)
    return ends[0], ends[1]


@settings(max_examples=60, deadline=None)
@given(cities())
def test_no_small_cell_can_be_solved_for(city: tuple[list[tuple[str, str]], list[Report]]) -> None:
    pairs, reports = city
    tables = tables_of(reports, pairs, BANDS)
    may = published(tables, LEAST)
    assert not (may & (tables.counts < LEAST)).any() and not (may & ~tables.shown).any()
    unknown, rows, values = known_sums(tables, may, pairs)
    counted = Counter(reports)
    # Every small sum of the tables, published or not, and every single line, stop and hour.
    small = [np.array([float(_in(key, one)) for one in unknown]) for key in tables.keys]
    small = [wanted for wanted, count in zip(small, tables.counts, strict=True) if count < LEAST]
    small += [np.eye(len(unknown))[place] for place, one in enumerate(unknown) if counted[one] < LEAST]
    for wanted in small:
        least, most = solve(rows, values, wanted)
        assert most - least > 1e-4, (reports, wanted)


@settings(max_examples=40, deadline=None)
@given(cities())
def test_nor_can_anybody_tell_that_a_cell_of_the_tables_is_small(
    city: tuple[list[tuple[str, str]], list[Report]],
) -> None:
    pairs, reports = city
    tables = tables_of(reports, pairs, BANDS)
    may = published(tables, LEAST)
    for cell in np.flatnonzero(tables.counts < LEAST).tolist():
        least, most = interval(tables, may, cell)
        assert least <= tables.counts[cell] + 1e-6 and most >= tables.counts[cell] + LEAST - 1e-6


def test_an_attacker_finds_what_only_primary_suppression_leaves() -> None:
    """The attack is one: without the complementary cells it succeeds."""
    counts = {("all",): 37, ("hour", 8): 25, ("hour", 17): 9, ("hour", 22): 3}
    tables = linked(counts, [(("all",), [("hour", 8), ("hour", 17), ("hour", 22)])])
    assert interval(tables, tables.counts >= 5, 3) == pytest.approx((3, 3))
    may = published(tables)
    assert may.tolist() == [True, True, False, False], "as little as is enough, and the least of it"
    assert interval(tables, may, 3) == pytest.approx((0, 12))


def test_what_is_large_everywhere_is_published_whole() -> None:
    reports = [("L0", stop, band) for stop in ("S0", "S1") for band in range(BANDS) for _one in range(6)]
    tables = tables_of(reports, [("L0", "S0"), ("L0", "S1")], BANDS)
    assert published(tables)[tables.shown].all()


def test_nothing_at_all_is_no_count_either() -> None:
    tables = tables_of([], [("L0", "S0")], BANDS)
    assert not published(tables).any()


def test_what_does_not_add_up_is_refused() -> None:
    with pytest.raises(ValueError, match="is not the sum"):
        linked({("all",): 4, ("a",): 3}, [(("all",), [("a",)])])
    with pytest.raises(ValueError, match="without a count"):
        linked({("all",): 4}, [(("all",), [("a",)])])
    with pytest.raises(ValueError, match="below nought"):
        linked({("all",): -4}, [])
    with pytest.raises(ValueError, match="least"):
        published(linked({("all",): 4}, []), 0)
