"""What a service may declare of payments: that it is told when its bill is paid, given back or charged back."""

from __future__ import annotations

from dataclasses import dataclass

from cityhall.kernel.service import Path


@dataclass(frozen=True, slots=True)
class PaidHook:
    """`hook` names a function (Settled) -> None, called in the transaction in which a bill of `service` changes state.

    The bill's row is locked then: whoever changes both locks the bill first (`bills.locked`), its own rows next. What
    it raises undoes the whole: money is not booked until it works, and the provider is heard again.
    """

    service: str
    hook: Path
