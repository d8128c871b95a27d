"""What a service may declare of payments: that it is told of its bills and of its payouts, and what pays bills."""

from __future__ import annotations

from dataclasses import dataclass

from cityhall.kernel.service import Path, Text


@dataclass(frozen=True, slots=True)
class PaidHook:
    """`hook` names a function (Settled) -> None, called in the transaction in which a bill of `service` changes state.

    The bill's row is locked then: whoever changes both locks the bill first (`bills.locked`), its own rows next. What
    it raises undoes the whole: money is not booked until it works, and the provider is heard again.
    """

    service: str
    hook: Path


@dataclass(frozen=True, slots=True)
class PayoutHook:
    """`hook` names a function (Payout) -> None, called in the transaction in which a payout of `service` is given up.

    The payout's row is locked then, and its money is back where it came from: what was given for it goes back too.
    """

    service: str
    hook: Path


@dataclass(frozen=True, slots=True)
class Means:
    """What the city itself has issued and takes as payment: points. `slug` stands in a payment's place of a provider.

    `page` is the address of a bill's page where it is paid so ("/points/pay/{bill}/"), offered beside the providers
    where `offered`, a function (Bill) -> bool, says yes. `give_back` names a function (Intent, amount, key) -> None,
    called in the transaction in which so much of such a payment is given back: it puts back what the payer had spent.
    """

    slug: str
    name: Text
    page: str
    offered: Path
    give_back: Path
