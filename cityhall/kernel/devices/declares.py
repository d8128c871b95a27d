"""What a service may declare of devices: which of their messages it takes."""

from __future__ import annotations

from dataclasses import dataclass

from cityhall.kernel.service import Path


@dataclass(frozen=True, slots=True)
class Door:
    """Device messages a service takes: `kind` of message -> action (device, message dict, received_at) -> None."""

    kind: str
    action: Path


@dataclass(frozen=True, slots=True)
class UrgentDoor:
    """Messages that must not be lost (a button that is pressed), on a lane of their own: see urgent.py.

    `action` names a function (list[Urgent]) -> list[str]: it is given each message once, however often that was sent,
    many in one transaction, and says in the same order what each has become ("case:12"), which the receipt tells.
    """

    kind: str
    action: Path
