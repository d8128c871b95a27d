"""What is learned, what is predicted from it, and what must hold of every prediction."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityhall.engines.arrivals import Memory, Model, Predictor, Traces, Trips, joined, replay
from cityhall.engines.arrivals.onwards import onwards
from cityhall.engines.arrivals.segments import Segments
from cityhall.engines.arrivals.trees import Trees
from tests.engines.arrivals.small import HEADWAY, MONDAY, START, STEP, STOPS, TRIPS, driven, line, uneven

LINE = line()


@lru_cache(maxsize=1)
def learned() -> Model:
    """From Monday to Wednesday."""
    days = [driven(MONDAY + day, uneven(day), every=60.0) for day in range(3)]
    return Model.learned(joined([day[0] for day in days]), np.concatenate([day[1] for day in days]), LINE)


def predicted(model: Model, traces: Traces) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(point, call, seconds, low, high) of everything ahead of every point."""
    segments, _ = model.segments.bound(LINE)
    memory = Memory.empty(len(segments.names), len(segments.routes), len(traces))
    told = model.predict(replay(traces, LINE, segments, memory))
    return told.point, told.call, told.seconds, told.low, told.high


def error(model: Model, traces: Traces, arrivals: np.ndarray) -> float:
    point, call, seconds, _, _ = predicted(model, traces)
    left = arrivals[STOPS * traces.run[point] + call] - traces.at[point]
    return float(np.abs(left - seconds)[left >= 0].mean())


def ratio(segments: Segments, name: str, hour: int = 10, kind: int = 0) -> float:
    """Seconds over those planned that a segment of line 1 is expected to take."""
    from cityhall.engines.arrivals.segments import surplus

    row = segments.names.index(name)
    terms = segments.city_term, segments.route_term, segments.segment_term, segments.local_term
    return float(np.exp(surplus(kind, hour, 0, row, *terms)))


def test_a_slow_segment_is_learned_from_reports_that_straddle_it() -> None:
    traces, _ = driven(MONDAY, uneven(1), every=100.0)
    segments = Segments.empty().learn(traces, LINE)
    assert ratio(segments, "s4>s5") == pytest.approx(220 / 60, rel=0.25)
    assert ratio(segments, "s8>s9") == pytest.approx(40 / 60, rel=0.2)
    assert ratio(segments, "s8>s9", hour=17) > 1.2 * ratio(segments, "s8>s9")


def test_what_was_not_seen_is_the_line_and_what_nobody_saw_the_timetable() -> None:
    traces, _ = driven(MONDAY, lambda trip, segment, second: 90.0)
    seen = Traces(**{**vars_of(traces), "place": np.where(traces.place < 8, traces.place, np.nan)})
    segments, _ = Segments.empty().learn(seen, LINE).bound(LINE)
    assert 1.2 < ratio(segments, "s9>s10") <= 1.01 * ratio(segments, "s3>s4") == pytest.approx(1.515, rel=0.05)
    assert ratio(Segments.empty().bound(LINE)[0], "s3>s4") == 1.0


def vars_of(traces: Traces) -> dict[str, np.ndarray]:
    return {name: getattr(traces, name) for name in Traces.__dataclass_fields__}


def test_a_kind_of_day_never_seen_is_as_slow_as_the_others_and_has_not_their_rush() -> None:
    traces, _ = driven(MONDAY, lambda trip, segment, second: 120.0 if 16 <= second / 3600 < 19 else 80.0)
    segments = Segments.empty().learn(traces, LINE)
    for hour in (10, 17):
        assert 1.3 < ratio(segments, "s3>s4", hour=hour, kind=1) < 1.75
    # Most of it is the line's and the city's: another segment of them, never seen, is slow on that day too.
    other = replace(traces, place=np.where(traces.place < 8, traces.place, np.nan))
    assert ratio(Segments.empty().learn(other, LINE).bound(LINE)[0], "s9>s10", kind=1) > 1.2
    # A Saturday that was seen is itself.
    saturday, _ = driven(MONDAY + 5, lambda trip, segment, second: 60.0)
    segments = Segments.empty().learn(joined([traces, saturday]), LINE)
    assert ratio(segments, "s3>s4", kind=1) == pytest.approx(1.0, rel=0.1)
    assert ratio(segments, "s3>s4", hour=17, kind=0) == pytest.approx(2.0, rel=0.15)


def test_a_change_of_the_clocks_moves_no_hour() -> None:
    """The days after it are an hour nearer in Unix time; their timetable, and so what is learned, is the same."""
    slow_at_five = uneven(1)
    before, _ = driven(MONDAY, slow_at_five)
    after, _ = driven(MONDAY + 1, slow_at_five)
    moved = replace(after, midnight=after.midnight - 3600.0, at=after.at - 3600.0)
    both, same = (Segments.empty().learn(joined([before, other]), LINE) for other in (moved, after))
    for hour in range(6, 21):
        assert ratio(both, "s8>s9", hour=hour) == pytest.approx(ratio(same, "s8>s9", hour=hour), rel=1e-6)


def test_the_newest_days_count_most_and_days_may_come_one_by_one() -> None:
    old, _ = driven(MONDAY - 120, lambda trip, segment, second: 60.0)
    new, _ = driven(MONDAY, lambda trip, segment, second: 120.0)
    together = Segments.empty().learn(joined([old, new]), LINE)
    one_by_one = Segments.empty().learn(old, LINE).learn(new, LINE)
    assert ratio(together, "s3>s4") > 1.75
    assert ratio(one_by_one, "s3>s4") == pytest.approx(ratio(together, "s3>s4"), rel=0.05)


def test_learning_pays_on_a_day_not_seen() -> None:
    traces, arrivals = driven(MONDAY + 3, uneven(99))
    assert learned().trained > 3000
    assert error(learned(), traces, arrivals) < 0.6 * error(Model.empty(), traces, arrivals)
    point, call, _, low, high = predicted(learned(), traces)
    left = arrivals[STOPS * traces.run[point] + call] - traces.at[point]
    inside = ((left >= low) & (left <= high))[left >= 0].mean()
    assert 0.7 < inside < 0.92


def test_little_to_learn_from_is_no_harm() -> None:
    traces, arrivals = driven(MONDAY, uneven(1))
    few = np.arange(len(traces)) < 5
    model = Model.learned(traces.where(few), arrivals[: 5 * STOPS], LINE)
    assert model.trained == 0
    assert error(model, traces, arrivals) < error(Model.empty(), traces, arrivals)
    nothing = Model.learned(traces.where(few & ~few), np.zeros(0), LINE)
    assert error(nothing, traces, arrivals) == error(Model.empty(), traces, arrivals)


def test_a_model_on_disk_is_the_same_model(tmp_path: Path) -> None:
    learned().save(tmp_path / "model")
    traces, _ = driven(MONDAY + 3, uneven(5))
    for here, there in zip(
        predicted(learned(), traces), predicted(Model.open(tmp_path / "model"), traces), strict=True
    ):
        np.testing.assert_array_equal(here, there)
    with pytest.raises(ValueError, match="anew"):
        Model.open(tmp_path)


def test_trees_say_what_scikit_learn_says() -> None:
    from sklearn.ensemble import HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits

    rng = np.random.default_rng(3)
    features = rng.normal(size=(4000, 4)).astype(np.float32)
    features[rng.random(features.shape) < 0.1] = np.nan
    wanted = np.nan_to_num(features[:, 0]) * 2 + np.isnan(features[:, 1]) + rng.normal(size=4000)
    with threadpool_limits(1):
        boosted = HistGradientBoostingRegressor(max_iter=30).fit(features, wanted)
    ours = Trees._of(boosted).predict(features)
    np.testing.assert_allclose(ours, boosted.predict(features), atol=1e-9)


# What must hold whatever is seen


@st.composite
def sightings(draw: st.DrawFn) -> Traces:
    """Some runs on some trips, seen at odd times at odd places."""
    runs = draw(st.integers(1, 4))
    trips = [draw(st.integers(0, TRIPS - 1)) for _ in range(runs)]
    at, place, counts = [], [], []
    for trip in trips:
        count = draw(st.integers(1, 6))
        gaps = draw(st.lists(st.integers(0, 900), min_size=count, max_size=count))
        steps = draw(st.lists(st.floats(0, 3), min_size=count, max_size=count))
        begin = MONDAY * 86_400 + 3 * 86_400 + START + HEADWAY * trip + draw(st.integers(-1200, 3600))
        at += (begin + np.cumsum(gaps)).tolist()
        place += np.minimum(np.cumsum(steps), STOPS - 1).tolist()
        counts.append(count)
    return Traces(
        np.array(trips),
        np.full(runs, (MONDAY + 3) * 86_400.0),
        np.full(runs, MONDAY + 3),
        np.zeros(runs, np.int64),
        np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        np.array(at, float),
        np.array(place, float),
        np.full(len(at), np.nan),
    )


@given(sightings(), st.booleans())
@settings(max_examples=60, deadline=None)
def test_arrivals_never_fall_and_lie_in_their_interval(traces: Traces, knows: bool) -> None:
    point, call, seconds, low, high = predicted(learned() if knows else Model.empty(), traces)
    assert (seconds >= 0).all() and (low >= 0).all()
    assert (low <= seconds).all() and (seconds <= high).all()
    same = point[1:] == point[:-1]
    for column in (call, seconds, low, high):
        assert (np.diff(column)[same] >= 0).all()
    assert np.isfinite(high).all()


@given(sightings(), st.integers(0, 7200))
@settings(max_examples=60, deadline=None)
def test_what_comes_later_changes_no_earlier_prediction(traces: Traces, until: int) -> None:
    cut = traces.at <= traces.at.min() + until
    first = np.concatenate([[0], np.cumsum(np.bincount(traces.run[cut], minlength=len(traces)))])
    known = replace(traces, first=first, at=traces.at[cut], place=traces.place[cut], speed=traces.speed[cut])
    point, call, *columns = predicted(learned(), traces)
    early = cut[point]
    short, short_call, *others = predicted(learned(), known)
    np.testing.assert_array_equal(np.flatnonzero(cut)[short], point[early])
    np.testing.assert_array_equal(short_call, call[early])
    for column, other in zip(columns, others, strict=True):
        np.testing.assert_array_equal(other, column[early])


@given(st.floats(-1200, 3600), st.floats(0, 300), st.floats(0, 600), st.floats(0, 600))
@settings(max_examples=60, deadline=None)
def test_a_late_vehicle_leaves_late_and_an_early_one_on_time(
    late: float, layover: float, below: float, above: float
) -> None:
    trip = np.array([20])
    midnight = np.array([(MONDAY + 3) * 86_400.0])
    planned = midnight[0] + START + HEADWAY * 20
    came = np.array([planned + late])
    segments, _ = learned().segments.bound(LINE)
    memory = Memory.empty(len(segments.names), len(segments.routes), 0)
    calls = onwards(
        *(LINE, segments, memory, trip, midnight, np.zeros(1, np.int64), came, came - below, came + above),
        layover_s=layover,
    )
    assert calls.departure[0] == max(planned, came[0] + layover)
    assert calls.call.tolist() == list(range(STOPS))
    assert (np.diff(calls.arrival) > 0).all() and (np.diff(calls.low) >= 0).all() and (np.diff(calls.high) >= 0).all()
    assert (calls.low <= calls.arrival).all() and (calls.arrival <= calls.high).all()
    assert (calls.departure >= calls.arrival).all() and (calls.departure[:-1] <= calls.arrival[1:]).all()
    assert (calls.low >= planned).all()


def one(trip: int, at: float, place: float, trips: Trips = LINE) -> Traces:
    midnight = (MONDAY + 3) * 86_400.0
    return Traces(
        *(np.array([trip]), np.array([midnight]), np.array([MONDAY + 3]), np.zeros(1, np.int64), np.array([0, 1])),
        *(np.array([midnight + at]), np.array([place]), np.array([np.nan])),
    )


def test_a_predictor_goes_on_from_round_to_round() -> None:
    midnight, begin = (MONDAY + 3) * 86_400.0, START + HEADWAY * 10
    knows, knows_not = Predictor(Model.empty(), LINE), Predictor(Model.empty(), LINE)
    # The bus before meets a jam between the sixth and the eighth stop.
    for minute, place in enumerate((5.0, 5.2, 5.4, 5.6, 5.8, 6.0, 6.2, 6.4, 6.6)):
        knows.look(["b"], one(9, begin + 60 * minute, place), midnight + begin + 60 * minute)
    now = begin + 600
    seen = one(10, now, 2.0)
    jammed, free = (each.look(["a"], seen, midnight + now) for each in (knows, knows_not))
    assert jammed.call.tolist() == free.call.tolist() == list(range(2, STOPS))
    assert jammed.arrival[1] == free.arrival[1]
    assert jammed.arrival[-1] > free.arrival[-1] + 60
    # A new model does not forget the jam, and its own times come on top.
    segments = replace(Model.empty(), segments=learned().segments)
    renewed = knows.renewed(segments).look(["a"], one(10, now + 1, 2.0), midnight + now + 1)
    fresh = Predictor(segments, LINE).look(["a"], one(10, now + 1, 2.0), midnight + now + 1)
    assert renewed.arrival[-1] > fresh.arrival[-1] + 30


def test_no_call_is_predicted_before_now_and_who_stands_at_a_stop_has_come() -> None:
    midnight, begin = (MONDAY + 3) * 86_400.0, START + HEADWAY * 10
    now = midnight + begin + 400
    calls = Predictor(learned(), LINE).look(["a"], one(10, begin + 3 * STEP, 3.0), now)
    assert calls.call.tolist() == list(range(3, STOPS))
    assert calls.arrival[0] == now and (calls.arrival >= now).all() and (calls.low >= now).all()
    end = Predictor(learned(), LINE).look(["a"], one(10, begin + 900, STOPS - 1.0), now)
    assert end.call.tolist() == [STOPS - 1]
    none = Predictor(learned(), LINE).look([], one(10, begin, 0.0).where(np.array([False])), now)
    assert none.first.tolist() == [0]


def test_a_timetable_of_odd_lengths_is_refused() -> None:
    with pytest.raises(ValueError, match="lengths"):
        Trips.make(
            np.array([0, 2]),
            *(np.zeros(3), np.zeros(3), np.zeros(3), np.zeros(3), np.zeros(1)),
            stop_ids=["a"],
            route_ids=["1"],
        )
