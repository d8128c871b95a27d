"""All that City Hall asks of kernel/payments.

Locks go intents, bill, our own rows, as payments has them: `locked` takes the first two.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID, uuid5

from django.conf import settings
from django.db.models import F
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from cityhall.kernel.errors import Conflict, Missing, Unavailable
from cityhall.kernel.notify.sending import send
from cityhall.kernel.payments import bills, giving_back, intents
from cityhall.kernel.payments.bills import BillLine
from cityhall.kernel.payments.models import Bill, Intent, State
from cityhall.kernel.payments.providers import offered
from cityhall.kernel.people.actors import Actor, system
from cityhall.kernel.people.models import Person
from cityhall.services.house.hours import today

SERVICE = "house"


def make(
    actor: Actor, *, key: UUID, payer: Person | None, title: str, lines: Sequence[tuple[str, int]], about: str
) -> Bill:
    """A bill over lines (what, amount), to be paid today; `about` is what `settled` is asked about later."""
    return bills.make_bill(
        key,
        payer,
        [BillLine(what, amount) for what, amount in lines],
        today(),
        service=SERVICE,
        title=title,
        unit=settings.CITY.currency,
        about=about,
        actor=actor,
    )


def begin(actor: Actor, bill: Bill | None, return_to: str) -> str:
    """Where whoever pays goes on. Raises Missing without a bill, Conflict where nothing is open, Unavailable."""
    if bill is None:
        raise Missing(_("There is no bill."), code="no_such_bill")
    by = offered()
    if not by:
        raise Unavailable(
            _("The city takes no payments here now."),
            code="no_provider",
            mend=_("Pay by bank transfer, as on the bill."),
        )
    intent = intents.start(bill, None, by[0].slug, return_to, actor=actor)
    if not intent.url:
        raise Conflict(_("It is being paid already."), code="paying", mend=_("Look again in a minute."))
    # A page of the city's own leads on: a form of ours may lead to no other site (CSP, form-action).
    return f"/payments/go/{intent.uid}/"


def page(bill: Bill | None) -> str:
    """The address of a bill's own page; "" for none."""
    return f"/payments/bills/{bill.pk}/" if bill is not None else ""


def locked(number: int | None) -> Bill | None:
    """A bill and its payments, locked until the transaction ends."""
    if number is None:
        return None
    list(Intent.objects.select_for_update(no_key=True).filter(bill_id=number).order_by("pk"))
    return bills.locked(number)


def withdraw(bill: Bill, why: str) -> None:
    """Nothing is to be paid any more; `why` is a code for the journal."""
    bills.void(bill, system(SERVICE), reason=why)


def give_back(bill: Bill, amount: int, *, key: UUID, reason: str) -> None:
    """So much of what was paid goes back, by the payments that it came by, the last one first.

    Raises Conflict where there is not so much.
    """
    left = amount
    for intent in Intent.objects.filter(bill=bill, captured__gt=0).order_by("-pk"):
        part = min(left, giving_back.may_be_given_back(intent))
        if part > 0:
            giving_back.ask(system(SERVICE), intent, part, reason, key=uuid5(key, str(intent.pk)))
            left -= part
    if left > 0:
        raise Conflict(
            _("There is not so much to give back."),
            code="not_so_much",
            mend=_("Ask the treasurer to look at the bill."),
        )


def on_its_way_back(bill: Bill) -> int:
    """What waits to be given back."""
    return sum(
        refund.amount
        for intent in bill.intents.all()
        for refund in intent.refunds.all()
        if refund.state in ("asked", "sending")
    )


def credits() -> list[int]:
    """The numbers of our withdrawn bills on which money has come all the same."""
    found = Bill.objects.filter(service=SERVICE, state=State.VOID, paid__gt=F("owed"))
    return list(found.order_by("pk").values_list("pk", flat=True))


def give_back_credit(number: int, url: str) -> int:
    """What came too late goes back, all of it that is not on its way already, and its payer is told; gives how much."""
    bill = locked(number)
    assert bill is not None
    amount = max(0, bill.credit - on_its_way_back(bill))
    if bill.state != State.VOID or not amount:
        return 0
    give_back(bill, amount, key=uuid5(bill.key, f"late:{bill.paid}:{amount}"), reason=gettext_noop("It came too late"))
    if bill.payer is not None:
        send(
            bill.payer,
            _("Your payment came too late"),
            _("What you paid goes back to where it came from."),
            url=url,
            key=f"house:late:{bill.pk}:{bill.paid}",
        )
    return amount
