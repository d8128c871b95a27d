"""Tensors out of a PyTorch checkpoint, without PyTorch and without running what a pickle could run.

A pickle names functions to be called. Ours knows four names, all of which only put arrays together; any other is
refused. Format: torch.save before PyTorch 1.6 (torch/serialization.py, `_legacy_save`): five pickles one after
another (magic number, version, the machine's sizes, the object, the storages' keys), then for each storage an int64
count of its elements and their bytes.
"""

from __future__ import annotations

import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

MAGIC = 0x1950A86A20F9469CFC6C
VERSION = 1001
STORAGES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}
Tensor = npt.NDArray[Any]


def read(path: Path) -> dict[str, Tensor]:
    """The tensors of a checkpoint, by name. Raises ValueError for a file of another form, or one that wants more."""
    with path.open("rb") as file:
        try:
            return _read(file)
        except (pickle.UnpicklingError, EOFError, KeyError, TypeError, IndexError, AttributeError) as problem:
            raise ValueError(f"{path.name} is no checkpoint that can be read: {problem}") from problem


def _read(file: BinaryIO) -> dict[str, Tensor]:
    storages: dict[str, Tensor] = {}
    if (_plain(file), _plain(file)) != (MAGIC, VERSION):
        raise ValueError("this is no checkpoint of that version")
    _plain(file)
    found = _Tensors(file, storages).load()
    for key in _plain(file):
        count = int.from_bytes(file.read(8), "little")
        data = file.read(storages[key].nbytes)
        if count != storages[key].size or len(data) != storages[key].nbytes:
            raise ValueError("the checkpoint is cut off")
        storages[key][:] = np.frombuffer(data, storages[key].dtype)
    return {str(name): np.ascontiguousarray(tensor) for name, tensor in found.items()}


def _plain(file: BinaryIO) -> Any:
    return _Tensors(file, {}).load()


class _Tensors(pickle.Unpickler):
    """Makes arrays that lie in `storages`, which are filled after it: their bytes stand behind the pickle."""

    def __init__(self, file: BinaryIO, storages: dict[str, Tensor]) -> None:
        super().__init__(file)
        self.storages = storages

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _tensor
        if module == "torch" and name in STORAGES:
            return STORAGES[name]
        raise pickle.UnpicklingError(f"{module}.{name} has no place in a checkpoint")

    def persistent_load(self, pid: Any) -> Tensor:
        _kind, dtype, key, _location, count, _view = pid
        return self.storages.setdefault(key, np.zeros(count, dtype))


def _tensor(storage: Tensor, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_rest: Any) -> Tensor:
    last = offset + sum((many - 1) * step for many, step in zip(size, stride, strict=True))
    if min((offset, *size, *stride), default=0) < 0 or last >= storage.size:
        raise ValueError("a tensor reaches past its storage")
    steps = tuple(step * storage.itemsize for step in stride)
    return np.lib.stride_tricks.as_strided(storage[offset:], size, steps, writeable=False)
