"""The simulator's clock. A client of a demo whose clock was set keeps that demo's time."""

from __future__ import annotations

import os
import time as machine

AHEAD_S = float(os.environ.get("CITYHALL_CLOCK") or 0)
"""Seconds ahead of the machine's clock; the demo tells all its processes."""


def time() -> float:
    """Now, Unix seconds."""
    return machine.time() + AHEAD_S  # noqa: TID251 (this is the one place)
