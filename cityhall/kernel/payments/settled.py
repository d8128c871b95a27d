"""What a service is told when a bill of its own changes."""

from __future__ import annotations

from dataclasses import dataclass

from cityhall.kernel.payments.models import Bill


@dataclass(frozen=True, slots=True)
class Settled:
    """A bill's change: its state before and now ("open", "part_paid", "paid", "refunded", "void").

    `paid` has come on it and is not gone again; the bill says the rest.
    """

    bill: Bill
    before: str
    now: str
    paid: int

    @property
    def is_paid(self) -> bool:
        """It has become paid by this."""
        return self.now == "paid"
