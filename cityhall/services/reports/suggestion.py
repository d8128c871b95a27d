"""Which category a text is of: a linear model over hashed pieces of words, learned from the city's own past reports.

Pieces of three to five letters are read, not words: so a slip of the finger, another ending or a Korean particle
leave most of a text as it was. Source: Weinberger et al., "Feature Hashing for Large Scale Multitask Learning"
(2009); multinomial logistic regression. From pictures nothing is guessed: no model that could is at hand here.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import SGDClassifier

from cityhall.kernel import derived
from cityhall.kernel.places.folding import fold
from cityhall.services.reports.models import Category, Report

KIND = "report-suggestion"
FEATURES = 2**15
PAST = 20_000
"""Past reports learned from, the latest."""
LEAST = 0.15
"""Share of certainty under which a category is not suggested."""
_pieces = HashingVectorizer(
    n_features=FEATURES, analyzer="char_wb", ngram_range=(3, 5), preprocessor=fold, alternate_sign=False
)


def vectors(texts: list[str]) -> Any:
    """(texts, FEATURES) sparse, each row of length one: the product of two rows is how alike they are, 0 to 1."""
    return _pieces.transform(texts)


def train() -> int:
    """Learns anew from the categories' words and past reports; gives from how many texts. In use from then on."""
    texts, labels = _lessons()
    if len(set(labels)) < 2:
        return 0
    model = SGDClassifier(loss="log_loss", alpha=1e-5, max_iter=30, tol=1e-3, random_state=1, class_weight="balanced")
    model.fit(vectors(texts), labels)
    if len(model.classes_) == 2:
        coef, intercept = np.vstack([-model.coef_, model.coef_]), np.r_[-model.intercept_, model.intercept_]
    else:
        coef, intercept = model.coef_, model.intercept_

    def make(folder: Path) -> None:
        np.savez(
            folder / "model.npz",
            coef=coef.astype(np.float32),
            intercept=intercept.astype(np.float32),
            classes=np.array(model.classes_, dtype="U50"),
        )

    derived.build(KIND, derived.digest([], "1", *texts, *labels), make)
    return len(texts)


def _lessons() -> tuple[list[str], list[str]]:
    texts, labels = [], []
    for category in Category.objects.filter(active=True):
        for words in (*category.words, *category.names.values()):
            texts.append(words)
            labels.append(category.slug)
    past = Report.objects.filter(category__active=True).exclude(text="").order_by("-filed_at")
    for text, slug in past.values_list("text", "category__slug")[:PAST]:
        texts.append(text[:500])
        labels.append(slug)
    return texts, labels


@lru_cache(maxsize=2)
def _model(path: str) -> tuple[Any, Any, list[str]]:
    with np.load(path) as file:
        return file["coef"], file["intercept"], file["classes"].tolist()


def suggest(text: str, count: int = 3) -> list[tuple[str, float]]:
    """(slug, share of certainty 0 to 1) of the likeliest categories, best first; none where nothing is likely."""
    folder = derived.current(KIND)
    if folder is None or not fold(text):
        return []
    coef, intercept, classes = _model(str(folder / "model.npz"))
    scores = vectors([text[:500]]) @ coef.T + intercept
    # One against the rest for each: made to sum to one as scikit-learn does.
    shares = 1 / (1 + np.exp(-np.asarray(scores)[0]))
    shares = shares / max(shares.sum(), 1e-9)
    best = np.argsort(-shares)[:count]
    return [(classes[place], float(shares[place])) for place in best if shares[place] >= LEAST]
