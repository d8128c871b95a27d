"""What is to be posted, and what became of it: the values that `posting.py` takes and gives."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from uuid import UUID

import orjson
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.errors import CityhallError, Conflict, Invalid

LARGEST = 10**15
"""Of one amount: a thousand million million of the smallest part of a unit."""


@dataclass(frozen=True, slots=True)
class Leg:
    """What a movement does to one account (its number): debit above zero, credit below. `held` is let go beside it."""

    account: int
    amount: int
    held: int = 0


@dataclass(frozen=True, slots=True)
class Movement:
    """What is to be posted. `uid` is its idempotency key: the same movement again is the same posting.

    `forced`: it cannot be refused for want of a balance (what was weighed wrongly is taken back although it is spent);
    what then is below the account's limit is its debt. `expires_on` and `origin` are those of the lots that it brings
    to accounts that have lots.
    """

    uid: UUID
    kind: str
    legs: tuple[Leg, ...]
    subject: str = ""
    effective_at: datetime | None = None
    reverses: UUID | None = None
    hold: UUID | None = None
    forced: bool = False
    origin: str = ""
    expires_on: str = ""

    def digest(self) -> bytes:
        """16 bytes that tell it from another movement with the same key."""
        said = [
            *(self.kind, self.subject, str(self.effective_at or ""), str(self.reverses or ""), str(self.hold or "")),
            *(self.forced, self.origin, self.expires_on),
            sorted((leg.account, leg.amount) for leg in self.legs),
        ]
        return sha256(orjson.dumps(said)).digest()[:16]

    def check(self) -> None:
        """Raises Invalid for what can be no movement, whatever the books say."""
        accounts = [leg.account for leg in self.legs]
        amounts = [leg.amount for leg in self.legs]
        if len(accounts) < 2 or len(set(accounts)) < len(accounts):
            raise Invalid(_("A movement has two accounts or more, each once."), code="bad_legs", field="legs")
        if any(type(one) is not int or not 0 < abs(one) <= LARGEST for one in amounts):
            raise Invalid(
                _("An amount is a whole number above zero, of the unit's smallest part."),
                code="bad_amount",
                field="amount",
            )


def transfer(
    uid: UUID,
    kind: str,
    *,
    debit: int,
    credit: int,
    amount: int,
    subject: str = "",
    effective_at: datetime | None = None,
    reverses: UUID | None = None,
    forced: bool = False,
    origin: str = "",
    expires_on: str = "",
) -> Movement:
    """A movement of two legs: `amount` (above zero) debited from one account and credited to another."""
    if type(amount) is not int or amount <= 0:
        raise Invalid(_("An amount is a whole number above zero."), code="bad_amount", field="amount")
    legs = (Leg(debit, amount), Leg(credit, -amount))
    return Movement(uid, kind, legs, subject, effective_at, reverses, None, forced, origin, expires_on)


class Became(StrEnum):
    """What became of a movement."""

    POSTED = "posted"
    AGAIN = "again"
    OTHER = "other"
    SHORT = "short"
    CLOSED = "closed"
    HELD = "held"
    UNBALANCED = "unbalanced"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a movement; `account` is the one that it failed at, None where it did not."""

    became: Became
    account: int | None = None

    @property
    def is_posted(self) -> bool:
        """It is in the books, by this call or an earlier one."""
        return self.became in (Became.POSTED, Became.AGAIN)


def refusal(outcome: Outcome) -> CityhallError:
    """The error that says why a movement was not posted."""
    match outcome.became:
        case Became.SHORT:
            return Conflict(_("There is not so much on the account."), code="short", field="amount")
        case Became.CLOSED:
            return Conflict(_("The account is closed."), code="account_closed")
        case Became.OTHER:
            return Conflict(_("Another movement was posted with this key."), code="key_used", field="uid")
        case Became.HELD:
            return Conflict(_("More would be let go than is held."), code="not_held")
        case _:
            return Invalid(_("Debits and credits are not equal in each unit."), code="unbalanced", field="legs")
