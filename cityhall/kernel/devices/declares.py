"""What a service may declare of devices: which of their messages it takes."""

from __future__ import annotations

from dataclasses import dataclass

from cityhall.kernel.service import Path


@dataclass(frozen=True, slots=True)
class Door:
    """Device messages a service takes: `kind` of message -> action (device, message dict, received_at) -> None."""

    kind: str
    action: Path
