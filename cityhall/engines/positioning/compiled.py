"""The compiler, with a cache that knows all of this engine's files.

Numba keeps what it compiled for as long as a function's own file stays as it is; a kernel that calls into other files
would go on with what they were before an update. Here the mark it compares is made from every file of the engine.

A kernel is compiled for each set of types it is called with, at up to ten seconds each, and a number written in a call
is a type of its own: a variable that begins with one begins with `whole(-1)`, and what comes out of an int32 array
becomes an int64 before it is passed on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba as nb

Kernel = TypeVar("Kernel", bound=Callable[..., Any])


def _mark() -> bytes:
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.digest()


MARK = _mark()


def compiled(function: Kernel) -> Kernel:
    """Compiles a kernel at its first call, or takes what was compiled from the same files."""
    kernel: Any = nb.njit(cache=True, error_model="numpy", nogil=True)(function)
    kept = getattr(kernel._cache, "_cache_file", None)
    if kept is not None:  # None where no folder for a cache can be written
        kept._source_stamp = MARK
    made: Kernel = kernel
    return made
