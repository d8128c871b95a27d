"""How this engine's kernels are compiled.

A kernel is compiled for each set of types it is called with, at up to ten seconds each, and a number written in a call
is a type of its own: a variable that begins with one begins with `whole(-1)`, and what comes out of an int32 array
becomes an int64 before it is passed on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from cityhall.engines.compiled import compiled as compiled_as

Kernel = TypeVar("Kernel", bound=Callable[..., Any])


def compiled(function: Kernel) -> Kernel:
    """Compiles a kernel at its first call, or takes what was compiled from the same files."""
    made: Kernel = compiled_as(error_model="numpy")(function)
    return made
