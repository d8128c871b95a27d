"""What happened, in order, in a form that shows tampering. See docs/decisions/003-journal-order.md.

Import from here: `append` inside the transaction that makes the change, `Follower` to declare who hears of
events, `verify_all` to check the whole chain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cityhall.kernel.journal.declares import Follower
    from cityhall.kernel.journal.log import Event, append, events
    from cityhall.kernel.journal.verify import Fault, verify, verify_all

__all__ = ["Event", "Fault", "Follower", "append", "events", "verify", "verify_all"]

_HOMES = {
    "Event": "log",
    "append": "log",
    "events": "log",
    "Follower": "declares",
    "Fault": "verify",
    "verify": "verify",
    "verify_all": "verify",
}


def __getattr__(name: str) -> Any:
    # Found on first use: Django imports this package before its models may be.
    if name not in _HOMES:
        raise AttributeError(name)
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
