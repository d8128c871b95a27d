"""Which category a text is of: a linear model over hashed pieces of words, learned from the city's own past reports.

Pieces of three to five letters are read, not words: so a slip of the finger, another ending or a Korean particle
leave most of a text as it was. Source: Weinberger et al., "Feature Hashing for Large Scale Multitask Learning"
(2009); logistic regression, one category against the rest. What a photo tells comes beside (photo_model.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cityhall.kernel import derived
from cityhall.kernel.places.folding import fold
from cityhall.services.reports.models import Category, Report
from cityhall.services.reports.photo_model import Evidence, text_weight

KIND = "report-suggestion"
FEATURES = 2**15
PAST = 20_000
"""Past reports learned from, the latest."""
LEAST = 0.15
"""Share of certainty under which a category is not suggested."""
FLOOR = 1e-6
"""Least probability that a text gives where it is pooled with a photo."""


@lru_cache(maxsize=1)
def _pieces() -> Any:
    # Here and not above: scikit-learn takes a second and 100 MB, of every process that imports this module.
    from sklearn.feature_extraction.text import HashingVectorizer

    return HashingVectorizer(
        n_features=FEATURES, analyzer="char_wb", ngram_range=(3, 5), preprocessor=fold, alternate_sign=False
    )


def vectors(texts: list[str]) -> Any:
    """(texts, FEATURES) sparse, each row of length one: the product of two rows is how alike they are, 0 to 1."""
    return _pieces().transform(texts)


@dataclass(frozen=True, slots=True)
class Model:
    """`coef` (categories, FEATURES), `intercept` (categories,), and the categories' `slugs`."""

    coef: npt.NDArray[np.floating]
    intercept: npt.NDArray[np.floating]
    slugs: list[str]

    def shares(self, rows: Any) -> npt.NDArray[np.float64]:
        """(texts, categories) shares of certainty that sum to one, of what `vectors` gave."""
        # One against the rest for each: made to sum to one as scikit-learn does.
        shares = 1 / (1 + np.exp(-np.asarray(rows @ self.coef.T + self.intercept, np.float64)))
        return np.asarray(shares / np.maximum(shares.sum(axis=1, keepdims=True), 1e-9))


@dataclass(frozen=True, slots=True)
class Lessons:
    """What is learned from: `numbers` are the reports', 0 for a category's own words."""

    texts: list[str]
    labels: list[str]
    numbers: list[int]


def categories() -> list[str]:
    """The slugs of those that can be suggested."""
    return list(Category.objects.filter(active=True).order_by("slug").values_list("slug", flat=True))


def lessons() -> Lessons:
    """The categories' words and past reports' texts."""
    found = Lessons([], [], [])
    for category in Category.objects.filter(active=True):
        for words in (*category.words, *category.names.values()):
            found.texts.append(words)
            found.labels.append(category.slug)
            found.numbers.append(0)
    past = Report.objects.filter(category__active=True).exclude(text="").order_by("-filed_at")
    for number, text, slug in past.values_list("pk", "text", "category__slug")[:PAST]:
        found.texts.append(text[:500])
        found.labels.append(slug)
        found.numbers.append(number)
    return found


def fit(rows: Any, labels: list[str]) -> Model:
    """Learns from `rows` as `vectors` gives them. At least two categories are needed."""
    from sklearn.linear_model import SGDClassifier

    model = SGDClassifier(loss="log_loss", alpha=1e-5, max_iter=30, tol=1e-3, random_state=1, class_weight="balanced")
    model.fit(rows, labels)
    coef, intercept = model.coef_, model.intercept_
    if len(model.classes_) == 2:
        coef, intercept = np.vstack([-coef, coef]), np.r_[-intercept, intercept]
    return Model(coef.astype(np.float32), intercept.astype(np.float32), [str(slug) for slug in model.classes_])


def train() -> int:
    """Learns anew from the categories' words and past reports; gives from how many texts. In use from then on."""
    given = lessons()
    if len(set(given.labels)) < 2:
        return 0
    model = fit(vectors(given.texts), given.labels)

    def make(folder: Path) -> None:
        np.savez(
            folder / "model.npz",
            coef=model.coef,
            intercept=model.intercept,
            classes=np.array(model.slugs, dtype="U50"),
        )

    derived.build(KIND, derived.digest([], "1", *given.texts, *given.labels), make)
    return len(given.texts)


@lru_cache(maxsize=2)
def _model(path: str) -> Model:
    with np.load(path) as file:
        return Model(file["coef"], file["intercept"], file["classes"].tolist())


def suggest(text: str, count: int = 3, told: Evidence | None = None) -> list[tuple[str, float]]:
    """(slug, share of certainty 0 to 1) of the likeliest categories, best first; none where nothing is likely.

    `told` is what a photo tells (photo_model.evidence): it is pooled with the text's, or stands alone without one.
    """
    folder = derived.current(KIND)
    if folder is None or not (fold(text) or told):
        return []
    model = _model(str(folder / "model.npz"))
    shares = model.shares(vectors([text[:500]]))[0] if fold(text) else np.full(len(model.slugs), 1 / len(model.slugs))
    if told:
        scores = np.log(np.maximum(shares, FLOOR)) * text_weight()
        from scipy.special import softmax

        shares = softmax(scores + [told.get(slug, 0.0) for slug in model.slugs])
    best = np.argsort(-shares)[:count]
    return [(model.slugs[place], float(shares[place])) for place in best if shares[place] >= LEAST]
