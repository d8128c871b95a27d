"""What a service may declare that it answers to others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cityhall.kernel.service import Path


@dataclass(frozen=True, slots=True)
class Provides:
    """The service answers what `port`, a Protocol of `kernel/ports`, asks: `path` names what does, of just that form.

    At most one service of a city provides a port.
    """

    port: Callable[..., Any]
    path: Path
