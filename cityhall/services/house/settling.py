"""What follows when a bill of City Hall's is paid, and what is looked after beside it."""

from __future__ import annotations

from django.db import transaction

from cityhall.kernel.payments.models import Bill
from cityhall.kernel.payments.settled import Settled
from cityhall.services.house import paying, reserving, shop


def settled(change: Settled) -> None:
    """A bill has changed (a PaidHook's function): payments tells of it in its own transaction, the bill locked."""
    kind, _colon, number = change.bill.about.partition(":")
    if not change.is_paid:
        return
    if kind == "order":
        shop.paid(int(number))
    elif kind == "use":
        reserving.paid(change.bill)


def late_money() -> int:
    """Money that came when its bill was withdrawn goes back (a Task, each minute); gives how many bills it was.

    Whoever pays at the very last second, or whose bank is slow, loses nothing, whichever way the news came.
    """
    done = 0
    for number in paying.credits():
        with transaction.atomic():
            done += bool(paying.give_back_credit(number, _page(Bill.objects.get(pk=number))))
    return done


def _page(bill: Bill) -> str:
    kind, _colon, number = bill.about.partition(":")
    return f"/house/orders/{number}/" if kind == "order" else f"/house/bookings/{number}/"
