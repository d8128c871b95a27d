"""Direct debits that came back: why is kept, and the payer told, in the transaction that opens the bill again."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from cityhall.kernel.notify.sending import send
from cityhall.kernel.payments import bills
from cityhall.kernel.payments.bank_reasons import in_words
from cityhall.kernel.payments.models import Debit, Intent, Scheme

ONCE_MORE = _("Your bank says: %(why)s. The bill is open again: it is collected once more unless you pay it first.")
NO_MORE = _("Your bank says: %(why)s. The bill is open again: pay it on its page.")
"""What is said where it can be collected again, and where the direct debit was ended meanwhile."""


def came_back(intent: Intent, reason: str) -> None:
    """The bank refused the collection that a payment is, or took it back; told once. Nothing for another payment."""
    debit = Debit.objects.filter(intent=intent).first()
    if debit is None:
        return
    if reason.strip():
        # Who says it again may say less.
        debit.reason = reason.strip()[:200]
        debit.save(update_fields=["reason"])
    bill = bills.locked(debit.bill_id)
    mandate = bill.mandate
    if mandate is not None and mandate.revoked_at is not None:
        # It was paid when its direct debit was ended, and stood on it still.
        bill.mandate, bill.scheme = None, Scheme.SINGLE
        bill.save(update_fields=["mandate", "scheme"])
    if bill.payer is not None:
        send(
            bill.payer,
            _("A direct debit came back: %(title)s"),
            ONCE_MORE if bill.mandate_id is not None else NO_MORE,
            values={"title": bill.title, "why": in_words(debit.reason)},
            url=f"/payments/bills/{bill.pk}/",
            key=f"debit:{debit.pk} back",
        )
