"""What the city pays out by its bank: each payout, the batch that it leaves with, and who fetched the file."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cityhall.kernel.people.models import Person


class BatchState(models.TextChoices):
    """Where a batch stands; `sent` once its file was fetched, `over` once each payout of it has its outcome."""

    PREPARED = "prepared", pgettext_lazy("payouts", "prepared")
    RELEASED = "released", pgettext_lazy("payouts", "released")
    SENT = "sent", pgettext_lazy("payouts", "sent to the bank")
    OVER = "over", pgettext_lazy("payouts", "carried out")
    WITHDRAWN = "withdrawn", pgettext_lazy("payouts", "withdrawn")


class PayoutState(models.TextChoices):
    """Where a payout stands. What came back or was refused waits for an officer: again, or back to its source."""

    WAITING = "waiting", pgettext_lazy("payout", "waits for a batch")
    BATCHED = "batched", pgettext_lazy("payout", "in a batch")
    EXECUTED = "executed", pgettext_lazy("payout", "paid out")
    RETURNED = "returned", pgettext_lazy("payout", "came back")
    REJECTED = "rejected", pgettext_lazy("payout", "refused by the bank")
    GIVEN_UP = "given_up", pgettext_lazy("payout", "given up")


class OrderFile(models.Model):
    """An order to the bank that leaves in one file. `content` is that file, made once, at its release.

    `fetches_left`: how often it may still be fetched; one more each time another officer allows it. `why` is
    what an officer said who withdrew it, or allowed its file once more.
    """

    uid = models.UUIDField(unique=True)
    message_id = models.CharField(max_length=35, unique=True)
    state = models.CharField(_("state"), max_length=10, choices=BatchState.choices, default=BatchState.PREPARED)
    unit = models.CharField(_("unit"), max_length=20)
    execute_on = models.DateField(_("to be carried out on"))
    prepared_by = models.CharField(max_length=200)
    prepared_at = models.DateTimeField(_("prepared"))
    released_by = models.CharField(max_length=200, blank=True)
    released_at = models.DateTimeField(_("released"), null=True)
    content = models.BinaryField(_("file for the bank"), null=True)
    digest = models.CharField(max_length=64, blank=True)
    fetches_left = models.PositiveSmallIntegerField(default=0)
    why = models.CharField(_("reason"), max_length=500, blank=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.message_id


class PayoutBatch(OrderFile):
    """Payouts that leave in one file."""

    class Meta:
        verbose_name = _("batch of payouts")
        verbose_name_plural = _("batches of payouts")
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(released_by="") | ~models.Q(released_by=models.F("prepared_by")),
                name="payments_batch_two_officers",
            )
        ]

    @property
    def ref(self) -> str:
        """What the journal and the ledger call it."""
        return f"payoutbatch:{self.pk}"


class Payout(models.Model):
    """One payment to somebody's account. `key` is its idempotency key, `source` the ledger's account that it came from.

    `end_to_end` is what the bank brings back; it is another one each time the payout is tried.
    """

    key = models.UUIDField(unique=True)
    batch = models.ForeignKey(PayoutBatch, models.PROTECT, null=True, related_name="payouts")
    state = models.CharField(_("state"), max_length=10, choices=PayoutState.choices, default=PayoutState.WAITING)
    service = models.CharField(max_length=50)
    about = models.CharField(max_length=200, blank=True)
    payee = models.ForeignKey(Person, models.SET_NULL, null=True, related_name="+", verbose_name=_("payee"))
    name = models.CharField(_("name"), max_length=70)
    iban = models.CharField(_("account number (IBAN)"), max_length=34)
    address = models.JSONField(_("address"), default=dict, blank=True)
    text = models.CharField(_("purpose"), max_length=140)
    amount = models.BigIntegerField(_("amount"))
    unit = models.CharField(_("unit"), max_length=20)
    source = models.CharField(max_length=200)
    end_to_end = models.CharField(max_length=35, unique=True)
    tries = models.PositiveSmallIntegerField(default=0)
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    made_at = models.DateTimeField(_("made"))

    class Meta:
        verbose_name = _("payout")
        verbose_name_plural = _("payouts")
        ordering: ClassVar = ["id"]
        indexes: ClassVar = [models.Index(fields=["state"], name="payments_payout_state")]
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="payments_payout_amount")
        ]

    def __str__(self) -> str:
        return self.end_to_end

    @property
    def ref(self) -> str:
        """What the journal and the ledger call it."""
        return f"payout:{self.pk}"


class PayoutFetch(models.Model):
    """Who fetched a batch's file, and when."""

    batch = models.ForeignKey(PayoutBatch, models.PROTECT, related_name="fetches")
    by = models.CharField(max_length=200)
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("fetch of a file")
        verbose_name_plural = _("fetches of files")

    def __str__(self) -> str:
        return f"{self.batch_id} {self.by}"
