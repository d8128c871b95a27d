"""What the city collects by its bank, from accounts whose holders agreed to it: each collection, and its file."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.payments.bank_reasons import in_words
from cityhall.kernel.payments.models.bills import Bill, Mandate
from cityhall.kernel.payments.models.intents import Intent
from cityhall.kernel.payments.models.payouts import OrderFile


class DebitBatch(OrderFile):
    """Collections that leave in one file, to be collected on `execute_on`."""

    class Meta:
        verbose_name = _("batch of direct debits")
        verbose_name_plural = _("batches of direct debits")
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(released_by="") | ~models.Q(released_by=models.F("prepared_by")),
                name="payments_debits_two_officers",
            )
        ]

    @property
    def ref(self) -> str:
        """What the journal calls it."""
        return f"debitbatch:{self.pk}"


class Debit(models.Model):
    """One collection of a bill. `uid` is what the bank brings back, and that of its payment (`intent`), which is there
    from the release on and says what has become of it. `reason`: why it came back, the bank's code and words."""

    uid = models.UUIDField(unique=True)
    batch = models.ForeignKey(DebitBatch, models.PROTECT, related_name="debits")
    bill = models.ForeignKey(Bill, models.PROTECT, related_name="debits")
    mandate = models.ForeignKey(Mandate, models.SET_NULL, null=True, related_name="debits")
    intent = models.OneToOneField(Intent, models.PROTECT, null=True, related_name="debit")
    amount = models.BigIntegerField(_("amount"))
    reason = models.CharField(_("reason"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("collection")
        verbose_name_plural = _("collections")
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [models.CheckConstraint(condition=models.Q(amount__gt=0), name="payments_debit_amount")]

    def __str__(self) -> str:
        return self.uid.hex

    @property
    def why(self) -> str:
        """Why it came back, in words; "" where it did not."""
        return str(in_words(self.reason)) if self.reason else ""


class DebitFetch(models.Model):
    """Who fetched a batch's file, and when."""

    batch = models.ForeignKey(DebitBatch, models.PROTECT, related_name="fetches")
    by = models.CharField(max_length=200)
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("fetch of a file of direct debits")
        verbose_name_plural = _("fetches of files of direct debits")

    def __str__(self) -> str:
        return f"{self.batch_id} {self.by}"
