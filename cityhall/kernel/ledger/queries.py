"""Reading the books: balances, statements, the trial balance, what is owed in points, and whether all is right."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection

from cityhall.kernel.ledger.models import DEBIT_NORMAL, Account, Entry, Lot

_PAST = """
SELECT a.id, a.key, a.kind, a.unit, coalesce(past.posted, 0)
FROM ledger_account a LEFT JOIN LATERAL (
    SELECT e.posted FROM ledger_entry e WHERE e.account_id = a.id AND e.at <= %s ORDER BY e.at DESC, e.id DESC LIMIT 1
) AS past ON true
WHERE a.opened_at <= %s ORDER BY a.key
"""
_FAULTS = """
SELECT 'unit', unit, sum(posted)::text FROM ledger_account GROUP BY unit HAVING sum(posted) <> 0
UNION ALL
SELECT 'posting', e.posting_id::text, a.unit FROM ledger_entry e JOIN ledger_account a ON a.id = e.account_id
    GROUP BY e.posting_id, a.unit HAVING sum(e.amount) <> 0
UNION ALL
SELECT 'account', a.key, (a.posted - coalesce(e.total, 0))::text FROM ledger_account a
    LEFT JOIN (SELECT account_id, sum(amount) AS total FROM ledger_entry GROUP BY 1) e ON e.account_id = a.id
    WHERE a.posted <> coalesce(e.total, 0)
UNION ALL
SELECT 'running', r.id::text, (r.posted - r.total)::text FROM (
    SELECT id, posted, sum(amount) OVER (PARTITION BY account_id ORDER BY at, id) AS total FROM ledger_entry) r
    WHERE r.posted <> r.total
UNION ALL
SELECT 'held', a.key, (a.held - coalesce(h.total, 0))::text FROM ledger_account a LEFT JOIN (
    SELECT account, sum(amount) AS total FROM (
        SELECT h.debit_id AS account, h.amount FROM ledger_hold h JOIN ledger_account d ON d.id = h.debit_id
            WHERE h.state = 'held' AND d.kind NOT IN ('asset', 'expense')
        UNION ALL
        SELECT h.credit_id, h.amount FROM ledger_hold h JOIN ledger_account c ON c.id = h.credit_id
            WHERE h.state = 'held' AND c.kind IN ('asset', 'expense')) one GROUP BY account) h ON h.account = a.id
    WHERE a.held <> coalesce(h.total, 0)
UNION ALL
SELECT 'lots', a.key, (coalesce(l.total, 0))::text FROM ledger_account a
    LEFT JOIN (SELECT account_id, sum("left") AS total FROM ledger_lot GROUP BY 1) l ON l.account_id = a.id
    WHERE a.lots AND coalesce(l.total, 0)
        <> greatest(0, CASE WHEN a.kind IN ('asset', 'expense') THEN 1 ELSE -1 END * a.posted)
UNION ALL
SELECT 'lot', l.id::text, (l.amount - l."left" - coalesce(u.total, 0))::text FROM ledger_lot l
    LEFT JOIN (SELECT lot_id, sum(amount) AS total FROM ledger_use GROUP BY 1) u ON u.lot_id = l.id
    WHERE l.amount - l."left" <> coalesce(u.total, 0)
LIMIT 1000
"""


@dataclass(frozen=True, slots=True)
class Balance:
    """What an account had: `posted` is debits less credits, `balance` the same on its normal side."""

    account: int
    key: str
    kind: str
    unit: str
    posted: int

    @property
    def balance(self) -> int:
        return self.posted if self.kind in DEBIT_NORMAL else -self.posted


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong in the books: of which `what` ("unit", "posting", ...), which one, and by how much."""

    what: str
    which: str
    off: str


def trial_balance(at: datetime | None = None) -> list[Balance]:
    """What every account had at an instant (None: now), by key. In each unit the `posted` sum to zero."""
    if at is None:
        rows = Account.objects.order_by("key").values_list("pk", "key", "kind", "unit", "posted")
        return [Balance(*row) for row in rows]
    with connection.cursor() as cursor:
        cursor.execute(_PAST, [at, at])
        return [Balance(*row) for row in cursor.fetchall()]


def posted_at(account: int, at: datetime) -> int:
    """Debits less credits of an account at a past instant."""
    last = Entry.objects.filter(account=account, at__lte=at).order_by("-at", "-pk").values_list("posted", flat=True)
    return last.first() or 0


def statement(account: int, begin: datetime, end: datetime) -> Iterator[Entry]:
    """The entries of an account from `begin` until before `end`, in their order, each with its posting."""
    entries = Entry.objects.filter(account=account, at__gte=begin, at__lt=end)
    return entries.select_related("posting").order_by("at", "pk").iterator(chunk_size=1000)


def statement_page(account: int, begin: datetime, end: datetime, after: int = 0, most: int = 100) -> list[Entry]:
    """At most so many entries of a statement, from the one behind the entry `after` (its number; 0: the first)."""
    entries = Entry.objects.filter(account=account, at__gte=begin, at__lt=end, pk__gt=after)
    if after:
        # An account's entries are numbered as they are dated: they are written while it is locked.
        entries = entries.filter(at__gte=Entry.objects.filter(pk=after, account=account).values("at")[:1])
    return list(entries.select_related("posting").order_by("at", "pk")[:most])


def liability(unit: str) -> list[tuple[date | None, str, int]]:
    """What is left in the lots of a unit: (first day of the month in which it expires, origin, amount); None: never."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT date_trunc('month', l.expires_on)::date, l.origin, sum(l."left")::bigint FROM ledger_lot l
            JOIN ledger_account a ON a.id = l.account_id WHERE a.unit = %s AND l."left" > 0
            GROUP BY 1, 2 ORDER BY 1 NULLS LAST, 2
            """,
            [unit],
        )
        return list(cursor.fetchall())


def lots_of(account: int) -> list[Lot]:
    """What is left of an account's lots, what expires soonest first."""
    from cityhall.kernel.ledger.lots import FIRST

    return list(Lot.objects.filter(account=account, left__gt=0).order_by(*FIRST))


def faults() -> list[Fault]:
    """All that is wrong in the books, a thousand at most; none where they are right."""
    with connection.cursor() as cursor:
        cursor.execute(_FAULTS)
        return [Fault(*row) for row in cursor.fetchall()]
