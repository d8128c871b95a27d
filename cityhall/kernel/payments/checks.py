"""What `cityhall check` says of payments, and the nightly look whether bills and ledger say the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from cityhall.kernel.errors import CityhallError
from cityhall.kernel.journal import append
from cityhall.kernel.payments.books import BANK
from cityhall.kernel.payments.models import BankEntry, BooksProof, Hook, Intent, Payout, Refund
from cityhall.kernel.payments.models.payouts import PayoutState
from cityhall.kernel.payments.payout_bank import DEBIT_SECTION, own_creditor
from cityhall.kernel.payments.providers import KNOWN, options
from cityhall.kernel.people.actors import system

LATE = timedelta(days=2)
_DIFFERS = """
WITH said AS (
    SELECT p.subject, a.key, sum(e.amount) AS total FROM ledger_posting p
    JOIN ledger_entry e ON e.posting_id = p.uid JOIN ledger_account a ON a.id = e.account_id
    WHERE p.subject LIKE 'bill:%%' AND (a.key LIKE 'city:receivable:%%' OR a.key LIKE 'city:credit:%%')
    GROUP BY 1, 2),
meant AS (
    SELECT 'bill:' || b.id AS subject, 'city:receivable:' || b.unit AS key, greatest(0, b.owed - b.paid) AS total
    FROM payments_bill b
    UNION ALL
    SELECT 'bill:' || b.id, 'city:credit:' || b.unit, -greatest(0, b.paid - b.owed) FROM payments_bill b)
SELECT 'bill', coalesce(s.subject, m.subject) || ' ' || coalesce(s.key, m.key),
    (coalesce(s.total, 0) - coalesce(m.total, 0))::text
FROM said s FULL JOIN meant m ON m.subject = s.subject AND m.key = s.key
WHERE coalesce(s.total, 0) <> coalesce(m.total, 0)
UNION ALL
SELECT 'payments', 'bill:' || b.id, (b.paid - coalesce(i.net, 0))::text FROM payments_bill b
    LEFT JOIN (
        SELECT bill_id, sum(greatest(0, captured - given_back - disputed)) AS net FROM payments_intent GROUP BY 1) i
    ON i.bill_id = b.id WHERE b.paid <> coalesce(i.net, 0)
UNION ALL
SELECT 'bank', a.key, (a.posted - coalesce(e.total, 0))::text FROM ledger_account a
    LEFT JOIN (SELECT unit, sum(amount) AS total FROM payments_bankentry GROUP BY 1) e ON e.unit = a.unit
    WHERE a.key LIKE 'city:bank:%%' AND a.posted <> coalesce(e.total, 0)
LIMIT 1000
"""


@dataclass(frozen=True, slots=True)
class Difference:
    """Where bills and ledger differ: of which `what` ("bill", "payments", "bank"), which one, and by how much."""

    what: str
    which: str
    off: str


def differences() -> list[Difference]:
    """All that bills, payments and bank entries say otherwise than the ledger, a thousand at most."""
    with connection.cursor() as cursor:
        cursor.execute(_DIFFERS, [])
        return [Difference(*row) for row in cursor.fetchall()]


@transaction.atomic
def compare() -> BooksProof:
    """Compares bills with the ledger and keeps what was found, once a day (a Task's action)."""
    day = timezone.localdate()
    kept = BooksProof.objects.filter(day=day).first()
    if kept is not None:
        return kept
    found = differences()
    kept = BooksProof.objects.create(
        day=day, at=timezone.now(), faults=len(found), found=[[one.what, one.which, one.off] for one in found[:20]]
    )
    append(
        "payments", "books.compared", {"faults": len(found)}, subject=f"proof:{kept.pk}", actor=str(system("payments"))
    )
    return kept


def findings() -> Iterator[tuple[str, str, str]]:
    """Whether the last comparison was right and is not long ago, and what waits too long."""
    yield from _providers()
    yield from _direct_debit()
    last, now = BooksProof.objects.order_by("-pk").first(), timezone.now()
    if last is not None and last.faults:
        what = f"bills and ledger differ: {last.faults} times on {last.at:%Y-%m-%d}"
        yield "error", what, "Pay nothing out, and look at payments_booksproof and the journal from that day back."
    elif last is not None and last.at < now - LATE:
        yield "warning", f"bills were last compared on {last.at:%Y-%m-%d}", "See that the worker runs (cityhall up)."
    elif last is not None:
        yield "ok", f"bills and ledger say the same ({last.at:%Y-%m-%d})", ""
    for count, what, mend in _waiting(now - LATE):
        if count:
            yield "warning", f"{count} {what}", mend


def _direct_debit() -> Iterator[tuple[str, str, str]]:
    if options().get(DEBIT_SECTION):
        try:
            own_creditor()
        except CityhallError as problem:
            yield "error", str(problem), 'Write creditor = "..." into [service.payments.direct_debit].'


def _providers() -> Iterator[tuple[str, str, str]]:
    for slug in options().get("providers", ()):
        if slug not in KNOWN:
            yield "error", f"no such payment provider: {slug}", f"Name one of {', '.join(KNOWN)} in [service.payments]."
        elif slug == "sandbox" and settings.CITY.slug != settings.DEMO and settings.SECURE:
            yield "error", "bills are paid by the sandbox, with no money", "Take it out of [service.payments]."
        elif slug == "stripe" and "secret_key" not in settings.SECRETS.get("stripe", {}):
            mend = 'Put "stripe": {"secret_key": "sk_...", "webhook_secret": "whsec_..."} into secrets.json.'
            yield "error", "the city has no keys of Stripe", mend


def _waiting(since: object) -> Iterator[tuple[int, str, str]]:
    hooks = Hook.objects.filter(done_at=None, heard_at__lt=since).count()
    yield hooks, "messages of payment providers could not be acted on", "See their problem in payments_hook."
    entries = BankEntry.objects.exclude(left=0).filter(heard_at__lt=since).count()
    yield entries, "entries of the bank wait to be reconciled", "A treasurer says what each was for."
    payouts = Payout.objects.filter(state=PayoutState.WAITING, made_at__lt=since).count()
    yield payouts, "payouts wait for a batch", "A treasurer puts them together, and another one releases them."
    sending = Refund.objects.filter(state=Refund.State.SENDING, made_at__lt=since)
    refunds = sending.exclude(intent__provider=BANK).count()
    yield refunds, "refunds have not reached the provider", "See that the worker runs, and the jobs that failed."
    silent = Intent.objects.filter(ask_at__lt=since).count()
    yield silent, "payments were not asked about", "See that the worker runs (cityhall up)."
