"""The accounts of the ledger that bills are booked on, and what a change of a bill does to them.

| account | kind | what is on it |
|---|---|---|
| `city:receivable:UNIT` | asset | what is open on all bills |
| `city:credit:UNIT` | liability | what was paid too much, and is the payers' |
| `city:provider:NAME:UNIT` | asset | what a provider has taken and not yet paid out |
| `city:bank:UNIT` | asset | what the bank's statements say |
| `city:unmatched:UNIT` | liability | entries of the bank of which nobody has said yet what they are |
| `city:fees:UNIT` | expense | what providers keep |
| `city:means:NAME:UNIT` | expense | what was paid with what the city itself has issued (points) |
| `income:SERVICE:UNIT` | income | what a service has claimed |
"""

from __future__ import annotations

from uuid import NAMESPACE_URL, UUID, uuid5

from cityhall.kernel.ledger.accounts import open_account
from cityhall.kernel.ledger.books import Leg, Movement
from cityhall.kernel.ledger.models import Account, Kind, Posting
from cityhall.kernel.ledger.posting import post
from cityhall.kernel.payments.declares import Means
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.service import declared

BANK = "bank"
"""The provider of what comes by the bank itself."""


def account(key: str, kind: str, unit: str) -> int:
    """The number of an account, opened where there is none yet. Raises Conflict for one of another kind or unit."""
    found = Account.objects.filter(key=key, kind=kind, unit=unit).values_list("pk", flat=True).first()
    return found if found is not None else open_account(key, kind, unit).pk


def receivable(unit: str) -> int:
    """What is open on all bills."""
    return account(f"city:receivable:{unit}", Kind.ASSET, unit)


def credit(unit: str) -> int:
    """What was paid too much."""
    return account(f"city:credit:{unit}", Kind.LIABILITY, unit)


def bank(unit: str) -> int:
    """The city's account at its bank, as the statements have it."""
    return account(f"city:bank:{unit}", Kind.ASSET, unit)


def unmatched(unit: str) -> int:
    """What came by the bank and is not explained yet."""
    return account(f"city:unmatched:{unit}", Kind.LIABILITY, unit)


def fees(unit: str) -> int:
    """What providers keep."""
    return account(f"city:fees:{unit}", Kind.EXPENSE, unit)


def income(service: str, unit: str) -> int:
    """What a service has claimed."""
    return account(f"income:{service}:{unit}", Kind.INCOME, unit)


def money_of(provider: str, unit: str) -> int:
    """Where a provider's money is; what came by the bank was on `unmatched` first, and points cost the city itself."""
    if provider == BANK:
        return unmatched(unit)
    if is_means(provider):
        return account(f"city:means:{provider}:{unit}", Kind.EXPENSE, unit)
    return account(f"city:provider:{provider}:{unit}", Kind.ASSET, unit)


def is_means(provider: str) -> bool:
    """Whether a payment was made with something that the city itself has issued."""
    return any(item.slug == provider for _owner, item in declared(Means))


def key(*parts: object) -> UUID:
    """The idempotency key of a posting: the same parts, the same posting."""
    return uuid5(NAMESPACE_URL, "cityhall:payments:" + ":".join(map(str, parts)))


def book(uid: UUID, kind: str, amounts: dict[int, int], subject: str, actor: Actor | None) -> None:
    """Posts the amounts by account (debit above zero, credit below) that are not zero; nothing where none is."""
    legs = tuple(Leg(one, amount) for one, amount in amounts.items() if amount)
    if legs:
        post(Movement(uid, kind, legs, subject), actor)


def is_booked(uid: UUID) -> bool:
    """Whether there is a posting with this key."""
    return Posting.objects.filter(uid=uid).exists()
