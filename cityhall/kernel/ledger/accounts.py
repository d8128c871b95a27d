"""Opening accounts, and finding them by their keys."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.errors import Conflict, Missing
from cityhall.kernel.journal import append
from cityhall.kernel.ledger.models import Account
from cityhall.kernel.people.actors import Actor


@transaction.atomic
def open_account(
    key: str, kind: str, unit: str, *, floor: int | None = None, lots: bool = False, actor: Actor | None = None
) -> Account:
    """The account of that key, opened where there is none yet; two who open it at once get the same one.

    `floor` is the least that it may have, None for no limit. Raises Conflict where it is there and another one.
    """
    new = Account(key=key, kind=kind, unit=unit, floor=floor, lots=lots, opened_at=timezone.now())
    Account.objects.bulk_create([new], ignore_conflicts=True)
    account = Account.objects.get(key=key)
    if (account.kind, account.unit, account.lots) != (kind, unit, lots):
        raise Conflict(_("There is another account of this name."), code="account_differs", field="key")
    if account.opened_at == new.opened_at:
        append(
            "ledger",
            "account.opened",
            {"kind": kind, "unit": unit},
            subject=f"account:{account.pk}",
            actor=str(actor or ""),
        )
    return account


def number(key: str) -> int:
    """The number of the account of a key. Raises Missing where it is not opened."""
    # Asked anew each time: what a transaction opened that was undone has another number when it is opened again.
    found = Account.objects.filter(key=key).values_list("pk", flat=True).first()
    if found is None:
        raise Missing(_("There is no such account."), code="no_such_account", field="key")
    return found


@transaction.atomic
def close(key: str, actor: Actor | None = None) -> Account:
    """Nothing is posted to it any more. Raises Conflict while something is on it, or held."""
    account = Account.objects.select_for_update().get(pk=number(key))
    if account.closed_at is not None:
        return account
    if account.posted or account.held or account.debt:
        raise Conflict(_("There is still something on the account."), code="not_empty")
    account.closed_at = timezone.now()
    account.save(update_fields=["closed_at"])
    append("ledger", "account.closed", {}, subject=f"account:{account.pk}", actor=str(actor or ""))
    return account


def locked(*accounts: int) -> dict[int, Account]:
    """The accounts of these numbers, locked in their order as everybody locks them. Raises Missing."""
    wanted = Account.objects.select_for_update(no_key=True).filter(pk__in=accounts).order_by("pk")
    found = {one.pk: one for one in wanted}
    if len(found) < len(set(accounts)):
        raise Missing(_("There is no such account."), code="no_such_account")
    return found
