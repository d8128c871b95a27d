"""The compiler, with a cache that knows all of an engine's files and gets over its own damage.

Numba keeps what it compiled for as long as a function's own file stays as it is; a kernel that calls into other files
would go on with what they were before an update. Here the mark it compares is made from every file of the engine, and
from the timetable's, which all of them read.

What is kept and cannot be read, as after a disk that was full or a machine that lost its power, counts as not there:
Numba would raise from the call.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numba as nb
from numba.core.caching import IndexDataCacheFile

TIMETABLES = Path(__file__).parent / "gtfs"
log = logging.getLogger("cityhall.engines")


class Kept(IndexDataCacheFile):
    """What is kept of one kernel. Whatever is wrong with it, the kernel is compiled anew and kept again."""

    def _load_index(self) -> dict[Any, str]:
        try:
            index: dict[Any, str] = super()._load_index()  # type: ignore[no-untyped-call]
        except Exception as problem:
            log.warning("%s cannot be read and is made anew: %r", self._index_path, problem)
            return {}
        return index

    def _load_data(self, name: str) -> Any:
        try:
            return super()._load_data(name)  # type: ignore[no-untyped-call]
        except OSError:
            raise
        except Exception as problem:
            log.warning("%s in %s cannot be read and is made anew: %r", name, self._cache_path, problem)
            raise OSError(f"{name} is damaged") from problem


@cache
def mark(folder: Path) -> bytes:
    """What tells one version of an engine's files from another."""
    digest = hashlib.sha256()
    for path in sorted({*folder.glob("*.py"), *TIMETABLES.glob("*.py")}):
        digest.update(path.read_bytes())
    return digest.digest()


def compiled(*, nogil: bool = True, **options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Compiles a kernel at its first call, or takes what was compiled from the same files. Options are Numba's."""

    def decorate(function: Callable[..., Any]) -> Any:
        kernel: Any = nb.njit(cache=True, nogil=nogil, **options)(function)
        kept = getattr(kernel._cache, "_cache_file", None)
        if kept is not None:  # None where no folder for a cache can be written
            kept.__class__ = Kept
            kept._source_stamp = mark(Path(function.__code__.co_filename).parent)
        return kernel

    return decorate
