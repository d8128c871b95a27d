"""Direct debits that came back: why is kept, and the payer told, in the transaction that opens the bill again."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from cityhall.kernel.notify.sending import send
from cityhall.kernel.payments.bank_reasons import in_words
from cityhall.kernel.payments.models import Debit, Intent


def came_back(intent: Intent, reason: str) -> None:
    """The bank refused the collection that a payment is, or took it back; told once. Nothing for another payment."""
    debit = Debit.objects.select_related("bill__payer").filter(intent=intent).first()
    if debit is None:
        return
    debit.reason = reason.strip()[:200]
    debit.save(update_fields=["reason"])
    if debit.bill.payer is not None:
        send(
            debit.bill.payer,
            _("A direct debit came back: %(title)s"),
            _("Your bank says: %(why)s. The bill is open again: it is collected once more unless you pay it first."),
            values={"title": debit.bill.title, "why": in_words(debit.reason)},
            url=f"/payments/bills/{debit.bill_id}/",
            key=f"debit:{debit.pk} back",
        )
