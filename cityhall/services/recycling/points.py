"""All that recycling asks of kernel/ledger: points that come with a weight, go where they are spent, and come back.

| account | kind | what is on it |
|---|---|---|
| `recycling:points:NUMBER` | liability, lots | what a household, person or building has |
| `recycling:given` | expense | what the city has given for weights |
| `recycling:spent:WHAT` | income | what was spent on fees, shops, payouts |
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import NAMESPACE_URL, UUID, uuid5

from cityhall.kernel.ledger.accounts import open_account
from cityhall.kernel.ledger.books import transfer
from cityhall.kernel.ledger.models import Account as LedgerAccount
from cityhall.kernel.ledger.models import Entry, Kind, Lot
from cityhall.kernel.ledger.posting import post
from cityhall.kernel.ledger.queries import lots_of
from cityhall.kernel.people.actors import Actor
from cityhall.services.recycling.models import Account

UNIT = "points"
EARNED, BONUS, BROUGHT = "recycling", "recycling.campaign", "recycling.earlier"
"""Origins of lots: what was weighed, what a campaign put on it, and what was unspent in an earlier system."""
GIVING = {EARNED: "recycling.weighed", BONUS: "recycling.bonus", BROUGHT: "recycling.brought"}
"""The kinds of postings that give points, by the origin of the lot that they make."""
MOST = 200
"""Entries of a page."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What an account has: `balance` to spend, `debt` that what comes next pays first, what is `left` by lot."""

    balance: int
    debt: int
    lots: list[Lot]


@dataclass(frozen=True, slots=True)
class Moved:
    """A line of a statement: above zero came, below went; `left` is what there was then."""

    at: datetime
    kind: str
    subject: str
    amount: int
    left: int


def key(*parts: object) -> UUID:
    """The idempotency key of a posting: the same parts, the same posting."""
    return uuid5(NAMESPACE_URL, "cityhall:recycling:" + ":".join(map(str, parts)))


def purse(account: Account) -> LedgerAccount:
    """The ledger's account of points, opened where there is none yet."""
    return open_account(f"recycling:points:{account.pk}", Kind.LIABILITY, UNIT, floor=0, lots=True)


def _given() -> int:
    return open_account("recycling:given", Kind.EXPENSE, UNIT).pk


def _spent(what: str) -> int:
    return open_account(f"recycling:spent:{what}", Kind.INCOME, UNIT).pk


def earn(uid: UUID, account: Account, amount: int, *, origin: str, until: date, subject: str, actor: Actor) -> None:
    """Gives points in a lot of their own; nothing for none. A debt is paid by them first."""
    if amount:
        post(
            transfer(
                uid,
                GIVING[origin],
                debit=_given(),
                credit=purse(account).pk,
                amount=amount,
                subject=subject,
                origin=origin,
                expires_on=until.isoformat(),
            ),
            actor,
        )


def take_back(uid: UUID, undone: UUID, account: Account, amount: int, *, subject: str, actor: Actor) -> None:
    """Takes points back that a weight brought wrongly, from their own lot first; what is spent already is debt."""
    if amount:
        post(
            transfer(
                uid,
                "recycling.corrected",
                debit=purse(account).pk,
                credit=_given(),
                amount=amount,
                subject=subject,
                reverses=undone,
                forced=True,
            ),
            actor,
        )


def spend(uid: UUID, account: Account, amount: int, *, on: str, subject: str, actor: Actor) -> None:
    """Spends points, what expires soonest first. Raises Conflict ("short") where there are not so many."""
    kind = f"recycling.{on}"
    post(transfer(uid, kind, debit=purse(account).pk, credit=_spent(on), amount=amount, subject=subject), actor)


def give_back(uid: UUID, spent: UUID, account: Account, amount: int, *, on: str, subject: str, actor: Actor) -> None:
    """Puts spent points back into the lots that they came from; nothing for none."""
    if amount:
        post(
            transfer(
                uid,
                "recycling.given_back",
                debit=_spent(on),
                credit=purse(account).pk,
                amount=amount,
                subject=subject,
                reverses=spent,
            ),
            actor,
        )


def standing(account: Account) -> Standing:
    """What there is to spend, what is owed, and the lots by their expiry."""
    found = purse(account)
    return Standing(max(0, found.available), max(0, -found.balance), lots_of(found.pk))


def moved(account: Account) -> list[Moved]:
    """What came and went, the latest first."""
    entries = Entry.objects.filter(account=purse(account)).select_related("posting").order_by("-at", "-pk")[:MOST]
    return [Moved(one.at, one.posting.kind, one.posting.subject, -one.amount, max(0, -one.posted)) for one in entries]


def share_back(whole: int, parts: int, back: int, given: int) -> int:
    """Of `whole` points for `parts` the share of `back` parts, less what was `given` back before: rounded once, on the
    sum, so that all of the parts bring all of the points."""
    return whole * back // parts - given
