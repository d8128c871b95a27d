"""Points that nobody has spent by their day: a posting a person, told in the statement as any other."""

from __future__ import annotations

from datetime import date
from uuid import NAMESPACE_URL, UUID, uuid5

from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from cityhall.kernel.ledger.accounts import locked, open_account
from cityhall.kernel.ledger.books import transfer
from cityhall.kernel.ledger.models import Account, Kind, Lot
from cityhall.kernel.ledger.posting import post
from cityhall.kernel.people.actors import system

EXPIRED = "ledger.expired"


def expire() -> int:
    """Takes what has expired from every account of lots (a Task's action); gives from how many."""
    today = timezone.localdate()
    accounts = Lot.objects.filter(left__gt=0, expires_on__lt=today).values_list("account", flat=True).distinct()
    return sum(expire_of(account, today) for account in sorted(accounts))


@transaction.atomic
def expire_of(number: int, today: date) -> bool:
    """Takes what of an account's lots was to be spent before `today`; False where nothing was.

    What is held stays until its hold is settled. The key is of the account, the day and what it had before, so that
    this done twice is done once.
    """
    unit = Account.objects.values_list("unit", flat=True).get(pk=number)
    income = open_account(f"{unit}:expired", Kind.INCOME, unit)
    account = locked(number, income.pk)[number]
    lots = Lot.objects.filter(account=account, left__gt=0, expires_on__lt=today)
    amount = min(lots.aggregate(all=Sum("left"))["all"] or 0, max(0, account.available))
    if not amount:
        return False
    debit, credit = (account.pk, income.pk) if account.side < 0 else (income.pk, account.pk)
    post(transfer(_key(account, today), EXPIRED, debit=debit, credit=credit, amount=amount), system("ledger"))
    return True


def _key(account: Account, today: date) -> UUID:
    return uuid5(NAMESPACE_URL, f"cityhall:ledger:expired:{account.pk}:{today}:{account.posted}")
