"""The compiler, with a cache that knows all of an engine's files and gets over its own damage.

Numba keeps what it compiled for as long as a function's own file stays as it is; a kernel that calls into other files
would go on with what they were before an update. Here the mark it compares is made from every file of the engine, and
from the timetable's, which all of them read.

What is kept and cannot be read, as after a disk that was full or a machine that lost its power, counts as not there:
Numba would raise from the call.

Numba itself is loaded with the first call: it takes a second and 40 MB, and a process that is started anew after it was
killed is to serve pages first.
"""

from __future__ import annotations

import functools
import hashlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

TIMETABLES = Path(__file__).parent / "gtfs"


@functools.cache
def mark(folder: Path) -> bytes:
    """What tells one version of an engine's files from another."""
    digest = hashlib.sha256()
    for path in sorted({*folder.glob("*.py"), *TIMETABLES.glob("*.py")}):
        digest.update(path.read_bytes())
    return digest.digest()


class Kernel:
    """A function that is compiled at its first call, or then taken from what was compiled from the same files."""

    def __init__(self, function: Callable[..., Any], options: dict[str, Any]) -> None:
        self._function, self._options, self._made = function, options, None
        functools.update_wrapper(self, function)

    def __call__(self, *values: Any) -> Any:
        return (self._made or self._make())(*values)

    @property
    def _numba_type_(self) -> Any:
        """What Numba asks of whatever a kernel that it compiles refers to: the same as of its own."""
        return (self._made or self._make())._numba_type_

    def __getattr__(self, name: str) -> Any:
        return getattr(self._made or self._make(), name)

    def _make(self) -> Any:
        with _one:
            if self._made is None:
                self._made = _compiled(self._function, self._options)
        return self._made


_one = threading.RLock()


def _compiled(function: Callable[..., Any], options: dict[str, Any]) -> Any:
    import numba

    from cityhall.engines.kept import Kept

    kernel: Any = numba.njit(cache=True, **options)(function)
    kept = getattr(kernel._cache, "_cache_file", None)
    if kept is not None:  # None where no folder for a cache can be written
        kept.__class__ = Kept
        kept._source_stamp = mark(Path(function.__code__.co_filename).parent)
    return kernel


def compiled(*, nogil: bool = True, **options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Makes a Kernel of a function. Options are Numba's."""
    return lambda function: Kernel(function, {"nogil": nogil, **options})
