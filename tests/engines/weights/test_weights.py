"""What a season says: of a scale that changes, of a pair that stands out, and nothing of one in which nothing is."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from cityhall.bench import weights
from cityhall.engines.weights import Season, SeasonError, meetings, photos, shifts


def season(**changed: object) -> Season:
    values: dict[str, object] = {
        "day": np.array([0.0, 1.0]),
        "scale": np.array([0, 1]),
        "account": np.array([0, 0]),
        "grams": np.array([100.0, 200.0]),
        "expected": np.array([100.0, 200.0]),
    }
    return Season(**(values | changed))  # type: ignore[arg-type]


def test_a_scale_is_told_with_when_and_how_much() -> None:
    made = weights.world(2500, 26, 3, drifts=True)
    found = {one.scale: one for one in shifts(made.season)}
    largest = max(made.drifts, key=lambda scale: abs(made.drifts[scale]))
    assert found[largest].off == pytest.approx(made.drifts[largest], abs=0.05)
    assert 0.3 * 182 < found[largest].since < 0.8 * 182


def test_a_favoured_account_is_told_with_its_crew() -> None:
    made = weights.world(2500, 26, 3, favours=True)
    found = {(one.crew, one.account) for one in meetings(made.season)}
    most = {pair for pair, factor in made.pairs.items() if factor == 2.5}
    assert found & most


def test_one_large_weight_is_no_change_and_favours_nobody() -> None:
    made = weights.world(2500, 26, 3).season
    grams = made.grams.copy()
    grams[1000] *= 50
    changed = Season(made.day, made.scale, made.account, grams, made.expected)
    assert shifts(changed) == []
    assert meetings(changed) == []


def test_a_season_of_nothing_says_nothing() -> None:
    none = np.array([], np.int64)
    empty = Season(np.array([]), none, none, np.array([]), np.array([]))
    assert shifts(empty) == []
    assert meetings(empty) == []
    assert shifts(season()) == []
    assert meetings(season()) == []


@pytest.mark.parametrize(
    "changed",
    [
        {"grams": np.array([1.0])},
        {"grams": np.array([0.0, 1.0])},
        {"day": np.array([0.0, np.nan])},
        {"account": np.array([0, -1])},
    ],
)
def test_what_is_no_season_is_refused(changed: dict[str, object]) -> None:
    with pytest.raises(SeasonError):
        season(**changed)


def test_a_photograph_is_known_again_and_another_is_not() -> None:
    rng = np.random.default_rng(2)
    images = [weights.photograph(rng) for _ in range(6)]
    kept = [photos.mark(io.BytesIO(weights.jpeg(one))) for one in images]
    known = [one for one in kept if one is not None]
    assert len(known) == 6
    for how in weights.WORDS:
        again = photos.mark(io.BytesIO(weights.again(images[4], how, rng)))
        assert again is not None
        found = photos.same(again, known)
        assert found is not None
        assert found[0] == 4, how
    new = photos.mark(io.BytesIO(weights.jpeg(weights.photograph(rng))))
    assert new is not None
    assert photos.same(new, known) is None
    assert photos.same(new, []) is None


def test_a_picture_that_shows_nothing_has_no_mark() -> None:
    blank = io.BytesIO()
    Image.new("RGB", (200, 200), "grey").save(blank, "PNG")
    assert photos.mark(blank) is None
