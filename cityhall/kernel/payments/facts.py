"""What is heard of a payment, and what follows from it: pure values, no order in them.

A webhook, a poll, the payer's way back and a bank statement may each be first, late, twice or never. So nothing here
depends on when something was heard: the facts are a set, and where a payment stands is a function of that set.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from django.db import models
from django.utils.translation import pgettext_lazy

MONEY = ("captured", "refunded", "refund_failed", "disputed", "dispute_won", "dispute_lost", "fee")
"""Facts with an amount: money that came, went back, did not go back after all, was charged back, was given again, is
lost for good; what the provider keeps for itself."""
COURSE = ("waiting", "processing", "failed", "cancelled", "expired")
"""Where it is on its way; the latest by the provider's own clock counts."""
KINDS = (*MONEY, *COURSE)
STATEMENT = "statement"
"""How a bank statement's facts are heard: they stand in for the provider's own as long as it says nothing."""


class Standing(models.TextChoices):
    """Where an attempt to pay stands."""

    STARTED = "started", pgettext_lazy("payment", "begun")
    WAITING = "waiting", pgettext_lazy("payment", "waits for the payer")
    PROCESSING = "processing", pgettext_lazy("payment", "the bank works on it")
    PAID = "paid", pgettext_lazy("payment", "paid")
    GIVEN_BACK = "given_back", pgettext_lazy("payment", "given back")
    DISPUTED = "disputed", pgettext_lazy("payment", "charged back")
    FAILED = "failed", pgettext_lazy("payment", "failed")
    CANCELLED = "cancelled", pgettext_lazy("payment", "broken off")
    EXPIRED = "expired", pgettext_lazy("payment", "not paid in time")


ON_ITS_WAY = (Standing.STARTED, Standing.WAITING, Standing.PROCESSING)


@dataclass(frozen=True, slots=True)
class Said:
    """One fact: `id` is the provider's own for the charge, refund or dispute; `amount` is never below zero.

    `key` is our refund's uid where the provider gives it back to us.
    """

    kind: str
    id: str
    amount: int
    at: datetime
    key: str = ""


@dataclass(frozen=True, slots=True)
class Heard:
    """What is said of one intent: by the provider's reference, or by ours (`uid`) that it was given. `unit` "" is ours.

    `event_id` is that of the message, where it is one.
    """

    provider_ref: str
    facts: tuple[Said, ...]
    uid: str = ""
    unit: str = ""
    event_id: str = ""

    def to_json(self) -> dict[str, Any]:
        """As it is stored until it is acted on."""
        facts = [[one.kind, one.id, one.amount, one.at.isoformat(), one.key] for one in self.facts]
        return {"ref": self.provider_ref, "uid": self.uid, "unit": self.unit, "facts": facts}

    @classmethod
    def from_json(cls, stored: dict[str, Any], event_id: str = "") -> Heard:
        """What `to_json` has made."""
        facts = tuple(
            Said(kind, name, amount, datetime.fromisoformat(at), key) for kind, name, amount, at, key in stored["facts"]
        )
        return cls(stored["ref"], facts, stored["uid"], stored["unit"], event_id)


class Known(Protocol):
    """A fact as it is kept."""

    kind: str
    fact_id: str
    amount: int
    at: datetime
    via: str


@dataclass(frozen=True, slots=True)
class Reckoned:
    """What follows from a set of facts; amounts are zero or more."""

    captured: int
    given_back: int
    disputed: int
    fees: int
    standing: str

    @property
    def net(self) -> int:
        """What of it the city has; never below zero, since what goes back was there, whichever is heard of first."""
        return max(0, self.captured - self.given_back - self.disputed)


def reckon(facts: Iterable[Known]) -> Reckoned:
    """Where an intent stands. Any order of the same facts gives the same."""
    known = list(facts)
    of = {kind: {one.fact_id: one for one in known if one.kind == kind and one.via != STATEMENT} for kind in KINDS}
    on_statement = sum(one.amount for one in known if one.kind == "captured" and one.via == STATEMENT)
    returned = sum(one.amount for one in known if one.kind == "refunded" and one.via == STATEMENT)
    captured = max(_sum(of["captured"].values()), on_statement)
    fought = of["disputed"] | of["dispute_lost"]
    disputed = _sum(one for name, one in fought.items() if name not in of["dispute_won"])
    given_back = _sum(one for name, one in of["refunded"].items() if name not in of["refund_failed"])
    # The bank tells of a debit that went back too, and does not know what the provider calls it.
    given_back = max(given_back, returned - disputed)
    course = max(
        (one for one in known if one.kind in COURSE), key=lambda one: (one.at, COURSE.index(one.kind)), default=None
    )
    return Reckoned(
        captured, given_back, disputed, _sum(of["fee"].values()), _standing(captured, given_back, disputed, course)
    )


def _sum(facts: Iterable[Known]) -> int:
    return sum(one.amount for one in facts)


def _standing(captured: int, given_back: int, disputed: int, course: Known | None) -> str:
    if captured:
        if disputed:
            return Standing.DISPUTED
        return Standing.GIVEN_BACK if given_back >= captured else Standing.PAID
    return course.kind if course else Standing.STARTED


def uid_of(text: str) -> UUID | None:
    """Our own uid as a provider or a bank gives it back; None where it is none."""
    try:
        return UUID(text) if text else None
    except ValueError:
        return None
