"""Every night: what the city's own photos teach of the categories, and whether it helps.

A linear model (multinomial logistic regression, ridge) over the network's embeddings is pooled with the text's model:
log p = a · log p(text) + b · evidence(photo) + constant (log-linear pooling: Genest and Zidek, "Combining Probability
Distributions", Statistical Science 1(1), 1986). Both are tried on reports they have not seen: five times a fifth of
the reports is held out, with all of the same H3 cell, so that two photos of one hole do not stand on both sides.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
from django.db import transaction

from cityhall.engines.pictures import EMBEDDING
from cityhall.kernel import derived
from cityhall.kernel.journal import append
from cityhall.services.reports import suggestion
from cityhall.services.reports.models import Embedding, Photo
from cityhall.services.reports.photo_model import LEARNT, Float64, Taught, embeddings

MOST = 10_000
"""Photos learned from, the latest."""
FEWEST = 20
"""Reports with photos that a category needs to be learned, in FOLDS cells at least."""
FOLDS = 5
RIDGE = 0.01
"""Inverse strength of the regularisation (scikit-learn's C), on embeddings of unit variance."""
SURE = 2.0
"""Standard errors by which photos must lessen the loss before they are used, and"""
WORTH = 0.01
"""the share of the text's loss that they must take away."""
HEAVIEST = 2.0
"""Most that a part may weigh in the pool: of few reports that are told apart without a fault, no weight is too much."""
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Figures:
    """Measured on reports held out. Losses are log losses, nats a report; `right`: share whose category came first.

    `gain` is the text's loss less that of both, give or take `error` (one standard error, of whole cells). `used`:
    whether photos are used since.
    """

    reports: int
    categories: int
    text_loss: float
    photo_loss: float
    both_loss: float
    text_right: float
    photo_right: float
    both_right: float
    gain: float
    error: float
    used: bool


@dataclass(frozen=True, slots=True)
class _Lessons:
    """One row a report: `photos` (reports, EMBEDDING), the mean of its photos'; `truth` is a place in `slugs`."""

    numbers: Integers
    texts: list[str]
    cells: Integers
    truth: Integers
    slugs: list[str]
    photos: Float64


def learn() -> Figures | None:
    """Learns anew; gives what was measured, None where there are too few reports with photos. In use from then on."""
    lessons = _lessons()
    if lessons is None:
        return None
    figures, taught = _measured(lessons)

    def make(folder: Path) -> None:
        (folder / "figures.json").write_bytes(orjson.dumps(asdict(figures)))
        if figures.used:
            np.savez(
                folder / "model.npz",
                coef=taught.coef.astype(np.float32),
                intercept=taught.intercept.astype(np.float32),
                slugs=np.array(taught.slugs, dtype="U50"),
                weight=taught.weight,
                text_weight=taught.text_weight,
            )

    derived.build(LEARNT, derived.digest([], "1", repr(figures), repr(taught.coef.sum())), make)
    with transaction.atomic():
        append("reports", "reports.photos_learnt", asdict(figures))
    return figures


def figures() -> Figures | None:
    """What was measured last; None before there was enough to learn from."""
    folder = derived.current(LEARNT)
    return Figures(**orjson.loads((folder / "figures.json").read_bytes())) if folder is not None else None


def _lessons() -> _Lessons | None:
    found = Embedding.objects.filter(photo__kind=Photo.Kind.RESIDENT, photo__report__category__active=True)
    columns = ("photo__report_id", "photo__report__category__slug", "photo__report__text", "photo__report__cell")
    rows = list(found.order_by("-photo_id").values_list(*columns, "values")[:MOST])
    reports = {row[0]: row[1:4] for row in rows}
    cells: dict[str, list[int]] = {}
    for slug, _text, cell in reports.values():
        cells.setdefault(slug, []).append(cell)
    slugs = sorted(slug for slug, where in cells.items() if len(where) >= FEWEST and len(set(where)) >= FOLDS)
    numbers = [number for number, report in reports.items() if report[0] in slugs]
    if len(slugs) < 2:
        return None
    place = {number: row for row, number in enumerate(numbers)}
    rows = [row for row in rows if row[0] in place]
    at = np.array([place[row[0]] for row in rows])
    total = np.zeros((len(numbers), EMBEDDING), np.float32)
    np.add.at(total, at, embeddings([bytes(row[4]) for row in rows]))
    return _Lessons(
        np.array(numbers),
        [reports[number][1][:500] for number in numbers],
        np.array([reports[number][2] for number in numbers]),
        np.array([slugs.index(reports[number][0]) for number in numbers]),
        slugs,
        total / np.bincount(at, minlength=len(numbers))[:, None],
    )


def fit(photos: Float64, truth: Integers, slugs: list[str]) -> Taught:
    """The model of embeddings (reports, EMBEDDING); each category weighs the same, however often it is reported."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(photos)
    model = LogisticRegression(C=RIDGE, class_weight="balanced", max_iter=300).fit(scaler.transform(photos), truth)
    coef, intercept = model.coef_ / scaler.scale_, model.intercept_ - model.coef_ @ (scaler.mean_ / scaler.scale_)
    if len(model.classes_) == 2:
        coef, intercept = np.vstack([0 * coef, coef]), np.r_[0, intercept]
    return Taught(coef, intercept, [slugs[place] for place in model.classes_])


def _measured(lessons: _Lessons) -> tuple[Figures, Taught]:
    """Both models on what they have not seen, and the photos' model of all with the weights that fit best."""
    folds = np.zeros(len(lessons.truth), int)
    text, photo = _unseen(lessons, folds)
    known = suggestion.categories()
    truth = np.array([known.index(slug) for slug in lessons.slugs])[lessons.truth]
    scores = [_pooled(parts, truth, folds) for parts in ([text], [photo], [text, photo])]
    losses = [-score[np.arange(len(truth)), truth] for score in scores]
    # Of a part alone no weight changes which comes first, unless it is 0 and all are equal.
    rights = [float((score.argmax(axis=1) == truth).mean()) for score in (text, photo, scores[2])]
    gains = losses[0] - losses[2]
    _cells, cell = np.unique(lessons.cells, return_inverse=True)
    error = float(np.sqrt((np.bincount(cell, gains - gains.mean()) ** 2).sum()) / len(gains))
    used = bool(gains.mean() > max(SURE * error, WORTH * losses[0].mean()))
    taught = fit(lessons.photos, lessons.truth, lessons.slugs)
    taught.text_weight, taught.weight = _weights([text, photo], truth)
    text_loss, photo_loss, both_loss = (float(loss.mean()) for loss in losses)
    text_right, photo_right, both_right = rights
    figures = Figures(
        reports=len(truth),
        categories=len(lessons.slugs),
        text_loss=text_loss,
        photo_loss=photo_loss,
        both_loss=both_loss,
        text_right=text_right,
        photo_right=photo_right,
        both_right=both_right,
        gain=float(gains.mean()),
        error=error,
        used=used,
    )
    return figures, taught


def _unseen(lessons: _Lessons, folds: Integers) -> tuple[Float64, Float64]:
    """(reports, categories) log probabilities by text and evidence by photo, of models that did not see the report.

    Writes each report's fold into `folds`.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    known = suggestion.categories()
    past = suggestion.lessons()
    vectors, own = suggestion.vectors(past.texts), suggestion.vectors(lessons.texts)
    text, photo = np.zeros((2, len(lessons.texts), len(known)))
    split = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=1).split(
        lessons.photos, lessons.truth, lessons.cells
    )
    for fold, (seen, held) in enumerate(split):
        folds[held] = fold
        others = np.flatnonzero(~np.isin(past.numbers, lessons.numbers[held]))
        model = suggestion.fit(vectors[others], [past.labels[row] for row in others])
        columns = [known.index(slug) for slug in model.slugs]
        text[np.ix_(held, columns)] = np.log(np.maximum(model.shares(own[held]), suggestion.FLOOR))
        taught = fit(lessons.photos[seen], lessons.truth[seen], lessons.slugs)
        columns = [known.index(slug) for slug in taught.slugs]
        photo[np.ix_(held, columns)] = taught.told(lessons.photos[held])
    text[[not words.strip() for words in lessons.texts]] = 0
    return text, photo


def _pooled(parts: list[Float64], truth: Integers, folds: Integers) -> Float64:
    """(reports, categories) log probabilities: the weights of a fold are those that fit the others best."""
    from scipy.special import log_softmax

    pooled = np.zeros_like(parts[0])
    for fold in np.unique(folds):
        held = folds == fold
        weights = _weights([part[~held] for part in parts], truth[~held])
        pooled[held] = log_softmax(sum(w * part[held] for w, part in zip(weights, parts, strict=True)), axis=1)
    return pooled


def _weights(parts: list[Float64], truth: Integers) -> list[float]:
    """One of each part, 0 to HEAVIEST, with which the pool's log loss is least; a convex problem."""
    from scipy.optimize import minimize
    from scipy.special import log_softmax

    stack, rows = np.stack(parts), np.arange(len(truth))

    def loss(weights: Float64) -> tuple[float, Any]:
        logs = log_softmax(np.tensordot(weights, stack, 1), axis=1)
        slopes = (np.exp(logs) * stack).sum(axis=2) - stack[:, rows, truth]
        return float(-logs[rows, truth].mean()), slopes.mean(axis=1)

    found = minimize(loss, np.ones(len(parts)), jac=True, method="L-BFGS-B", bounds=[(0, HEAVIEST)] * len(parts))
    return [float(weight) for weight in found.x]
