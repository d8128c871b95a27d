"""Boosted regression trees as flat arrays: fitted by scikit-learn, kept as .npy, walked by a kernel.

So a model on disk is numbers, not a pickle that could run code, and a city's whole fleet is answered at once.
Gradient boosting: Friedman, *Greedy Function Approximation* (2001); on histograms, as scikit-learn does it: Ke et al.,
*LightGBM* (2017).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cityhall.engines.arrivals.trips import Bool, Float, Int, Int32
from cityhall.engines.compiled import compiled

ROUNDS = 120
LEAVES = 24
RATE = 0.08


@dataclass(frozen=True)
class Trees:
    """A sum of trees over float32 features. A node splits at `feature` <= `threshold`; leaves have feature -1.

    roots: (trees,) rows of the others, (nodes,): feature, threshold, left, right, value, nan_left.
    """

    start: float
    roots: Int
    feature: Int32
    threshold: Float
    left: Int32
    right: Int32
    value: Float
    nan_left: Bool

    @classmethod
    def none(cls) -> Trees:
        """Trees that always say 0."""
        return cls(
            0.0,
            np.zeros(0, np.int64),
            *(np.zeros(0, np.int32), np.zeros(0), np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0)),
            np.zeros(0, bool),
        )

    @classmethod
    def fitted(
        cls, features: NDArray[Any], wanted: Float, weight: Float, quantile: float, seed: int = 0, rounds: int = ROUNDS
    ) -> Trees:
        """Trees for a quantile of `wanted` (rows,) given `features` (rows, columns)."""
        from sklearn.ensemble import HistGradientBoostingRegressor
        from threadpoolctl import threadpool_limits

        # A column of which nothing is known cannot be split, and scikit-learn stumbles over it.
        features = np.where(np.isnan(features).all(axis=0), np.float32(0), features)
        boosted = HistGradientBoostingRegressor(
            loss="quantile",
            quantile=quantile,
            max_iter=rounds,
            max_leaf_nodes=LEAVES,
            learning_rate=RATE,
            min_samples_leaf=max(20, min(150, len(wanted) // 200)),
            l2_regularization=1.0,
            early_stopping=False,
            random_state=seed,
        )
        # Its threads wait for one another by spinning: on a machine that is busy they take minutes for seconds' work.
        with threadpool_limits(1, user_api="openmp"):
            boosted.fit(features, wanted, sample_weight=weight)
        return cls._of(boosted)

    @classmethod
    def _of(cls, boosted: Any) -> Trees:
        nodes = [trees[0].nodes for trees in boosted._predictors]
        roots = np.concatenate([[0], np.cumsum([part.size for part in nodes])])
        every = np.concatenate(nodes)
        shift = np.repeat(roots[:-1], [part.size for part in nodes])
        leaf = every["is_leaf"].astype(bool)
        return cls(
            float(np.ravel(boosted._baseline_prediction)[0]),
            roots[:-1].astype(np.int64),
            np.where(leaf, -1, every["feature_idx"]).astype(np.int32),
            every["num_threshold"].astype(np.float64),
            (every["left"] + shift).astype(np.int32),
            (every["right"] + shift).astype(np.int32),
            every["value"].astype(np.float64),
            every["missing_go_to_left"].astype(bool),
        )

    def predict(self, features: NDArray[Any]) -> Float:
        """(rows,) the sum of the trees."""
        total = np.full(len(features), self.start)
        _walk(
            *(np.ascontiguousarray(features, np.float32), self.roots, self.feature, self.threshold),
            *(self.left, self.right, self.value, self.nan_left, total),
        )
        return total


@compiled()
def _walk(features, roots, feature, threshold, left, right, value, nan_left, total):  # type: ignore[no-untyped-def]
    # Tree by tree over a block of rows: both stay in the cache.
    for begin in range(0, features.shape[0], 512):
        end = min(begin + 512, features.shape[0])
        for root in roots:
            for row in range(begin, end):
                node = root
                while feature[node] >= 0:
                    seen = features[row, feature[node]]
                    if seen != seen:
                        node = left[node] if nan_left[node] else right[node]
                    else:
                        node = left[node] if seen <= threshold[node] else right[node]
                total[row] += value[node]
