"""The network computes what PyTorch computes with the same weights, and knows what is in a photo."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cityhall.engines.pictures import CLASSES, EMBEDDING, Network, names
from cityhall.engines.pictures.network import build

BY_PYTORCH = [
    3.0775,
    5.0259,
    3.3473,
    3.5623,
    0.7577,
    8.3137,
    2.5363,
    4.3729,
    0.4909,
    2.2944,
    0.807,
    6.6577,
    1.5708,
    0.7874,
    2.691,
    3.0103,
]
"""Sums of 80 values each of the embedding of `squares()`, by PyTorch 2.13 and efficientnet_lite_pytorch 0.1.0."""


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Network:
    path = tmp_path_factory.mktemp("pictures") / "network.onnx"
    build(path)
    return Network(path)


def squares() -> np.ndarray:
    """256 px: red grows to the right, green downwards, blue is a chessboard."""
    y, x = np.mgrid[:256, :256]
    return np.stack([x, y, (x // 32 + y // 32) % 2 * 255], -1).astype(np.uint8)


def test_the_embedding_is_that_of_pytorch(network: Network) -> None:
    seen = network.look(squares())
    assert seen.embedding.shape == (EMBEDDING,) and seen.classes.shape == (CLASSES,)
    assert seen.embedding.reshape(16, 80).sum(axis=1) == pytest.approx(BY_PYTORCH, abs=2e-3)
    assert seen.classes.sum() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(("photo", "shows"), [("china.jpg", "palace"), ("flower.jpg", "daisy")])
def test_photos_are_known(network: Network, photo: str, shows: str) -> None:
    with Image.open(str(files("sklearn.datasets.images") / photo)) as image:
        seen = network.look(np.asarray(image.convert("RGB")))
    assert names()[seen.classes.argmax()] == shows


def test_a_picture_of_any_size_is_seen(network: Network) -> None:
    for height, width in ((1, 1), (3, 2000), (1999, 224)):
        assert np.isfinite(network.look(np.full((height, width, 3), 90, np.uint8)).embedding).all()


@pytest.mark.parametrize("form", [(10, 10), (10, 10, 4), (0, 10, 3)])
def test_what_is_no_picture_is_refused(network: Network, form: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="form"):
        network.look(np.zeros(form, np.uint8))


def test_what_is_no_network_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "network.onnx"
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(ValueError, match="no network"):
        Network(path)
