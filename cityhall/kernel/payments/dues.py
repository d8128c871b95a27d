"""When bills are due: the next part that is not covered, and whether its day is over."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.deadlines.actions import clear, set_deadline
from cityhall.kernel.deadlines.declares import Due
from cityhall.kernel.journal import append
from cityhall.kernel.notify.sending import send
from cityhall.kernel.payments.models import Bill, Scheme
from cityhall.kernel.people.actors import system

OVERDUE = "payments.overdue"
COLLECT = "payments.collect"
COLLECT_AT = time(9)
"""When on its day a direct debit is collected, by the city's clock."""


def parts_of(bill: Bill) -> list[tuple[date, int, int]]:
    """The dated parts of a bill: (due, amount, what of it is open); one for a bill that is paid at once."""
    parts = [(one.due_on, one.amount) for one in bill.instalments.all()] or [(bill.due_on, bill.owed)]
    # What was waived is taken off the last ones.
    left, covered, found = bill.owed, bill.paid, []
    for due_on, amount in parts:
        asked = min(amount, left)
        left -= asked
        paid = max(0, min(asked, covered))
        covered -= paid
        found.append((due_on, asked, asked - paid))
    return found


def next_part(bill: Bill) -> tuple[date, int] | None:
    """(due, what is open of it) of the first part that is not covered; None where nothing is open."""
    return next(((due_on, left) for due_on, _asked, left in parts_of(bill) if left), None)


def due_now(bill: Bill, today: date) -> int:
    """What should have been paid by a day and was not."""
    return sum(left for due_on, _asked, left in parts_of(bill) if due_on <= today)


def watch(bill: Bill) -> None:
    """Sets or clears the bill's deadlines after a change, and whether it is overdue; the caller saves it."""
    part = next_part(bill) if bill.is_open else None
    if part is None:
        bill.overdue_since = None
        clear(OVERDUE, bill.ref)
        clear(COLLECT, bill.ref)
        return
    due_on, _left = part
    if due_on < timezone.localdate():
        bill.overdue_since = due_on
        clear(OVERDUE, bill.ref)
    else:
        bill.overdue_since = None
        set_deadline(OVERDUE, bill.ref, _local(due_on + timedelta(days=1), time(0)))
    if bill.scheme == Scheme.MANDATE and bill.mandate_id and not bill.paid and not bill.intents.exists():
        set_deadline(COLLECT, bill.ref, _local(due_on, COLLECT_AT))


def _local(day: date, at: time) -> datetime:
    return datetime.combine(day, at, tzinfo=timezone.get_default_timezone())


@transaction.atomic
def overdue(due: Due) -> None:
    """Its day is over (a deadline's action): it is overdue from now on, and its payer is told."""
    from cityhall.kernel.payments.bills import locked

    bill = locked(int(due.subject.removeprefix("bill:")))
    part = next_part(bill) if bill.is_open else None
    if part is None or bill.overdue_since is not None:
        return
    bill.overdue_since = part[0]
    bill.save(update_fields=["overdue_since"])
    append("payments", "bill.overdue", {"open": bill.open}, subject=bill.ref, actor=str(system("payments")))
    if bill.payer is not None:
        send(
            bill.payer,
            _("A bill is overdue: %(title)s"),
            _("Pay it on its page, or ask the city hall if something is wrong with it."),
            values={"title": bill.title},
            url=f"/payments/bills/{bill.pk}/",
            key=f"{bill.ref} overdue {part[0]}",
        )
