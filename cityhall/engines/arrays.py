"""Dataclasses of arrays on disk: a folder of .npy files that processes map into memory and share.

Lists of texts and small values go to one JSON file beside them. Nothing here runs code from the files.
"""

from __future__ import annotations

import types
from dataclasses import fields, is_dataclass
from datetime import date
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import numpy as np
import orjson

Data = TypeVar("Data")
FILE = "values.json"


def save(folder: Path, data: Any, version: str) -> None:
    """Writes a dataclass of arrays, lists, dates, plain values and such dataclasses to `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    values: dict[str, Any] = {"version": version}
    for column in fields(data):
        value = getattr(data, column.name)
        if isinstance(value, np.ndarray):
            np.save(folder / f"{column.name}.npy", value, allow_pickle=False)
        elif is_dataclass(value):
            save(folder / column.name, value, version)
        else:
            values[column.name] = value
    (folder / FILE).write_bytes(orjson.dumps(values))


def load(folder: Path, kind: type[Data], version: str) -> Data:
    """What `save` wrote; arrays are mapped read-only. Raises ValueError for another version or a damaged folder."""
    try:
        values = orjson.loads((folder / FILE).read_bytes())
        if values.pop("version") != version:
            raise ValueError(f"{folder} was written by another version: make it anew")
        hints = get_type_hints(kind)
        for column in fields(kind):  # type: ignore[arg-type]
            values[column.name] = _value(folder, column.name, hints[column.name], values, version)
        return kind(**values)
    except (OSError, KeyError, TypeError, orjson.JSONDecodeError) as problem:
        raise ValueError(f"{folder} is damaged ({problem}): make it anew") from problem


def _value(folder: Path, name: str, hint: Any, values: dict[str, Any], version: str) -> Any:
    if isinstance(hint, type) and is_dataclass(hint):
        return load(folder / name, hint, version)
    if get_origin(hint) is np.ndarray or hint is np.ndarray:
        return np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
    if isinstance(hint, types.UnionType):
        hint = next((part for part in get_args(hint) if part is not type(None)), hint)
    if hint is date and values[name] is not None:
        return date.fromisoformat(values[name])
    return values[name]
