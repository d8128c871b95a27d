"""What the treasurer's pages say of the books, from the ledger's own queries."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db.models import Count, Q, QuerySet, Sum
from django.utils import timezone

from cityhall.kernel.ledger import queries
from cityhall.kernel.ledger.models import Account, Entry, Hold, Kind, Lot, Posting, Proof, State
from cityhall.kernel.ledger.queries import Balance

FOUND = 50
SOON = timedelta(hours=1)


@dataclass(slots=True)
class Sheet:
    """A trial balance in one unit: its accounts, and the sums of those with a debit and those with a credit balance."""

    unit: str
    rows: list[Balance] = field(default_factory=list)
    debit: int = 0
    credit: int = 0
    kinds: dict[str, tuple[int, int]] = field(default_factory=dict)
    """By kind of account: (debit, credit)."""

    @property
    def is_equal(self) -> bool:
        return self.debit == self.credit

    @property
    def off(self) -> int:
        return self.debit - self.credit


def sheets(at: datetime | None = None) -> list[Sheet]:
    """The trial balance at an instant (None: now), a sheet for each unit."""
    found: dict[str, Sheet] = {}
    for row in queries.trial_balance(at):
        sheet = found.setdefault(row.unit, Sheet(row.unit))
        sheet.rows.append(row)
        debit, credit = max(0, row.posted), max(0, -row.posted)
        sheet.debit += debit
        sheet.credit += credit
        before = sheet.kinds.get(row.kind, (0, 0))
        sheet.kinds[row.kind] = before[0] + debit, before[1] + credit
    for sheet in found.values():
        sheet.kinds = {kind: sheet.kinds[kind] for kind in Kind.values if kind in sheet.kinds}
    return [found[unit] for unit in sorted(found)]


def open_holds() -> QuerySet[Hold]:
    """What is held now, what expires first first."""
    held = Hold.objects.filter(state=State.HELD).select_related("debit", "credit")
    return held.order_by("expires_at", "made_at", "pk")


def held_by_unit() -> list[tuple[str, int, int]]:
    """(unit, how many holds, how much) of what is held now."""
    held = Hold.objects.filter(state=State.HELD).values_list("debit__unit")
    return list(held.annotate(count=Count("pk"), amount=Sum("amount")).order_by("debit__unit"))


def debts() -> QuerySet[Account]:
    """Accounts that a posting which could not be refused took below their limit, the largest first."""
    return Account.objects.filter(debt__gt=0).order_by("-debt", "key")


def lot_units() -> list[str]:
    """The units of which something is kept in lots."""
    return sorted(Account.objects.filter(lots=True).values_list("unit", flat=True).distinct())


def overdue(unit: str) -> int:
    """What should have expired by now and is there still, for it is held."""
    late = Lot.objects.filter(account__unit=unit, left__gt=0, expires_on__lt=timezone.localdate())
    return late.aggregate(all=Sum("left"))["all"] or 0


@dataclass(frozen=True, slots=True)
class Due:
    """What of a unit's lots expires in a month (None: never), in all and by origin in the order of `origins`."""

    month: date | None
    amount: int
    parts: tuple[int, ...]


def liability(unit: str) -> tuple[list[str], list[Due]]:
    """(origins, months) of what the city owes in a unit of lots."""
    rows = queries.liability(unit)
    origins = sorted({origin for _month, origin, _amount in rows})
    months: dict[date | None, dict[str, int]] = defaultdict(dict)
    for month, origin, amount in rows:
        months[month][origin] = amount
    return origins, [
        Due(month, sum(parts.values()), tuple(parts.get(one, 0) for one in origins)) for month, parts in months.items()
    ]


def proofs(most: int = 30) -> list[Proof]:
    """The last proofs, the latest first."""
    return list(Proof.objects.order_by("-day")[:most])


def find(words: str) -> tuple[list[Posting], list[Hold], list[Account]]:
    """Postings, holds and accounts that a treasurer's words name: a number of a posting or hold, a subject
    ("bill:12"), or how an account's name begins."""
    words = words.strip()
    words = words.removeprefix("posting:").removeprefix("hold:")
    if not words:
        return [], [], []
    uid = _uid(words)
    named = Q(pk=uid) | Q(hold=uid) | Q(reverses=uid) if uid else Q(subject=words)
    postings = Posting.objects.filter(named).order_by("-at")[:FOUND]
    holds = Hold.objects.filter(Q(pk=uid) if uid else Q(subject=words)).order_by("-made_at")[:FOUND]
    accounts = Account.objects.none() if uid else Account.objects.filter(key__startswith=words)
    return list(postings), list(holds), list(accounts.order_by("key")[:FOUND])


def _uid(words: str) -> UUID | None:
    try:
        return UUID(words)
    except ValueError:
        return None


def entries_of(posting: UUID) -> list[Entry]:
    """A posting's entries, debits first."""
    return list(Entry.objects.filter(posting=posting).select_related("account").order_by("-amount", "pk"))
