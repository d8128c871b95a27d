"""What a photo tells of a report's category: by what the city's own photos taught, before that by a table.

The table is the categories' `sees`: ImageNet's classes that mean a category. What was taught is a linear model over the
network's embeddings (see photo_learning.py). Either tells evidence: how many e-fold likelier a category has become.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from cityhall.engines.pictures import EMBEDDING, Network, Seen, names
from cityhall.kernel import derived
from cityhall.kernel.confined import confined
from cityhall.services.reports.models import Category, Embedding, Photo

NETWORK, FILE = "picture-network", "network.onnx"
LEARNT = "report-photos"
Evidence = dict[str, float]
"""Category's slug -> nats; one that is not named has 0."""
Float64 = npt.NDArray[np.float64]
TRUST = 0.3
"""How often the table is taken to be right."""
FLOOR = 1e-3
"""Least probability that what was taught gives: no photo rules a category out."""


def network_file() -> Path:
    """The network, made from its weights where it was not yet: a second, once a city."""

    def make(folder: Path) -> None:
        # What reading the weights takes goes with its process.
        confined("cityhall.engines.pictures.network:write", str(folder / FILE), memory=2**31, seconds=60, writes=2**27)

    return derived.build(NETWORK, derived.digest([], "efficientnet-lite0", "1"), make) / FILE


@lru_cache(maxsize=1)
def network() -> Network:
    """The network in this process."""
    return Network(network_file())


def look(image: Image.Image) -> Seen:
    """What the network makes of a picture."""
    return network().look(np.asarray(image.convert("RGB")))


def keep(photo: Photo, embedding: bytes) -> None:
    """Keeps what was seen beside the photo: half-precision floats, little-endian."""
    Embedding.objects.update_or_create(photo=photo, defaults={"values": embedding})


def embeddings(rows: list[bytes]) -> npt.NDArray[np.float32]:
    """(rows, EMBEDDING) of what `keep` kept."""
    return np.frombuffer(b"".join(rows), "<f2").reshape(len(rows), EMBEDDING).astype(np.float32)


def evidence(seen: Seen) -> Evidence:
    """What a photo tells."""
    folder = derived.current(LEARNT)
    taught = _taught(str(folder)) if folder is not None else None
    return by_table(seen.classes) if taught is None else taught.evidence(seen.embedding)


def by_table(classes: npt.NDArray[np.float32]) -> Evidence:
    """With TRUST one of the table's categories is it, by its classes' share; else any is, as likely as any other."""
    table = dict(Category.objects.filter(active=True).values_list("slug", "sees"))
    shares = {slug: float(sum(classes[place] for place in _places(tuple(sees)))) for slug, sees in table.items()}
    even = (1 - TRUST * min(1.0, sum(shares.values()))) / max(1, len(table))
    return {slug: float(np.log1p(TRUST * share / even)) for slug, share in shares.items() if share}


@lru_cache(maxsize=256)
def _places(wanted: tuple[str, ...]) -> tuple[int, ...]:
    return tuple(place for place, name in enumerate(names()) if name in wanted)


class Taught:
    """A multinomial linear model: `coef` (categories, EMBEDDING), `intercept` (categories,), `slugs`.

    `weight` of its evidence beside a text's, `text_weight` of the text's (see photo_learning.py).
    """

    def __init__(
        self,
        coef: npt.NDArray[np.floating],
        intercept: npt.NDArray[np.floating],
        slugs: list[str],
        weight: float = 1.0,
        text_weight: float = 1.0,
    ) -> None:
        self.coef, self.intercept, self.slugs = coef, intercept, slugs
        self.weight, self.text_weight = weight, text_weight

    def told(self, embedding: npt.NDArray[np.float32]) -> Float64:
        """(photos, categories) evidence, not weighted, of (photos, EMBEDDING)."""
        scores = np.asarray(embedding @ self.coef.T + self.intercept, np.float64)
        scores -= scores.max(axis=1, keepdims=True)
        shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        return np.asarray(np.log(np.maximum(shares, FLOOR) * len(self.slugs)))

    def evidence(self, embedding: npt.NDArray[np.float32]) -> Evidence:
        """Of one photo, (EMBEDDING,)."""
        told = self.told(embedding[None])[0] * self.weight
        return dict(zip(self.slugs, told.tolist(), strict=True))


def text_weight() -> float:
    """By what a text's log probability is multiplied beside a photo's evidence."""
    folder = derived.current(LEARNT)
    taught = _taught(str(folder)) if folder is not None else None
    return taught.text_weight if taught is not None else 1.0


@lru_cache(maxsize=2)
def _taught(folder: str) -> Taught | None:
    path = Path(folder) / "model.npz"
    if not path.exists():
        # It was learnt, but did not show itself better than the text alone.
        return None
    with np.load(path) as file:
        return Taught(
            file["coef"], file["intercept"], file["slugs"].tolist(), float(file["weight"]), float(file["text_weight"])
        )
