"""Days that Hypothesis makes up: small, with all that a job or a vehicle can ask for."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from cityhall.engines.pickups import Job, Problem, Unloading, Vehicle, Window

DAY = 600


@st.composite
def windows(draw: st.DrawFn) -> Window:
    first = draw(st.integers(0, DAY - 20))
    return first, first + draw(st.integers(0, DAY // 2))


@st.composite
def jobs(draw: st.DrawFn, places: int, *, releases: bool = True) -> Job:
    return Job(
        draw(st.integers(0, places - 1)),
        draw(st.integers(0, 30)),
        (draw(st.integers(0, 6)), draw(st.integers(0, 3))),
        tuple(draw(st.lists(windows(), max_size=3))),
        draw(st.sampled_from([0, 0, 0, 60, 200])) if releases else 0,
        draw(st.sampled_from([None, None, None, 0, 40, 400])),
        frozenset(draw(st.sampled_from([(), (), (), ("glass",), ("glass", "crane")]))),
    )


@st.composite
def vehicles(draw: st.DrawFn, places: int) -> Vehicle:
    first = draw(st.sampled_from([0, 0, 50]))
    unloading = [
        Unloading(
            draw(st.integers(0, places - 1)), draw(st.integers(0, 20)), draw(st.sampled_from([(0, DAY), (100, 400)]))
        )
        for _ in range(draw(st.integers(0, 2)))
    ]
    return Vehicle(
        (first, draw(st.sampled_from([300, DAY, 2 * DAY]))),
        (draw(st.integers(3, 14)), draw(st.integers(2, 9))),
        draw(st.integers(0, places - 1)),
        draw(st.integers(0, places - 1)),
        tuple(unloading),
        draw(st.sampled_from([0, 100])),
        draw(st.integers(0, 3)),
        draw(st.integers(0, 3)),
        frozenset(draw(st.sampled_from([(), ("glass",), ("glass", "crane")]))),
        draw(st.sampled_from([(), (), (1, 1)])),
        draw(st.sampled_from([None, None, 1, 2, 3])),
    )


@st.composite
def problems(draw: st.DrawFn, *, most: int = 9, releases: bool = True) -> Problem:
    """A day on a map of its own, where ways there and back differ."""
    places = draw(st.integers(2, 6))
    seed = draw(st.integers(0, 1000))
    random = np.random.default_rng(seed)
    at = random.integers(0, 60, (places, 2))
    metres = np.abs(at[:, None] - at[None]).sum(axis=2).astype(np.int64)
    seconds = (metres + random.integers(0, 9, (places, places))).astype(np.int64)
    np.fill_diagonal(seconds, 0)
    return Problem(
        tuple(draw(st.lists(jobs(places, releases=releases), max_size=most))),
        tuple(draw(st.lists(vehicles(places), min_size=1, max_size=3))),
        seconds,
        metres,
    )
