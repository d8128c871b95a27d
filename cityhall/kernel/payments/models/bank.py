"""What the bank's statements say, each entry once, and what of it was for which bill."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cityhall.kernel.payments.models.intents import Intent


class BankEntry(models.Model):
    """An entry of a statement of the city's account: `amount` above zero came in, below went out.

    `key` tells it from every other: the account with the servicer's reference, else with a digest of all it says, so
    that a statement that is read again books nothing. `left` is what of `amount` nobody has said yet what it was for.
    """

    class State(models.TextChoices):
        """Whether it is known what it was for."""

        UNRECONCILED = "open", pgettext_lazy("bank entry", "not reconciled")
        PART = "part", pgettext_lazy("bank entry", "reconciled in part")
        DONE = "done", pgettext_lazy("bank entry", "reconciled")

    key = models.CharField(max_length=64, unique=True)
    account = models.CharField(_("account"), max_length=34)
    statement = models.CharField(_("statement"), max_length=100, blank=True)
    amount = models.BigIntegerField(_("amount"))
    left = models.BigIntegerField(_("left"))
    unit = models.CharField(_("unit"), max_length=20)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.UNRECONCILED)
    booked_on = models.DateField(_("booked"))
    value_on = models.DateField(_("value date"), null=True)
    end_to_end = models.CharField("EndToEndId", max_length=35, blank=True)
    creditor_ref = models.CharField(_("creditor reference"), max_length=35, blank=True)
    servicer_ref = models.CharField(_("bank's reference"), max_length=35, blank=True)
    uetr = models.CharField("UETR", max_length=36, blank=True)
    code = models.CharField(_("code"), max_length=35, blank=True)
    reversal = models.BooleanField(_("reversal"), default=False)
    heard_at = models.DateTimeField(_("read"))

    class Meta:
        verbose_name = _("entry of the bank")
        verbose_name_plural = _("entries of the bank")
        ordering: ClassVar = ["-booked_on", "-id"]
        indexes: ClassVar = [
            models.Index(fields=["booked_on"], condition=~models.Q(left=0), name="payments_bankentry_left")
        ]

    def __str__(self) -> str:
        return f"{self.booked_on} {self.amount}"

    @property
    def ref(self) -> str:
        """What the journal and the ledger call it."""
        return f"bankentry:{self.pk}"


class BankParty(models.Model):
    """Who was on the other side of an entry, and what they wrote: forgotten when it is needed no more."""

    entry = models.OneToOneField(BankEntry, models.CASCADE, related_name="party")
    name = models.CharField(_("name"), max_length=140, blank=True)
    iban = models.CharField(_("account number (IBAN)"), max_length=34, blank=True)
    text = models.CharField(_("purpose"), max_length=2000, blank=True)

    class Meta:
        verbose_name = _("counterparty")
        verbose_name_plural = _("counterparties")

    def __str__(self) -> str:
        return self.name


class Allocation(models.Model):
    """What of an entry was for what: a bill's payment (`intent`), or an account of the ledger (fees, a provider)."""

    entry = models.ForeignKey(BankEntry, models.PROTECT, related_name="allocations")
    amount = models.BigIntegerField(_("amount"))
    intent = models.ForeignKey(Intent, models.PROTECT, null=True, related_name="allocations")
    account = models.CharField(_("account"), max_length=200, blank=True)
    at = models.DateTimeField(_("written"))
    by = models.CharField(max_length=200)

    class Meta:
        verbose_name = _("allocation")
        verbose_name_plural = _("allocations")
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return f"{self.entry_id} {self.amount}"
