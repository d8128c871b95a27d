"""What is owed to the city. Amounts are whole numbers of the unit's smallest part (cents)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cityhall.kernel.people.models import Person


class State(models.TextChoices):
    """Where a bill stands: it follows from what is owed and what is paid, and is written beside them."""

    OPEN = "open", pgettext_lazy("bill", "to be paid")
    PART_PAID = "part_paid", pgettext_lazy("bill", "paid in part")
    PAID = "paid", pgettext_lazy("bill", "paid")
    REFUNDED = "refunded", pgettext_lazy("bill", "given back")
    VOID = "void", pgettext_lazy("bill", "withdrawn")


class Scheme(models.TextChoices):
    """How a bill is to be paid."""

    SINGLE = "single", pgettext_lazy("bill", "at once")
    INSTALMENTS = "instalments", pgettext_lazy("bill", "in instalments")
    MANDATE = "mandate", pgettext_lazy("bill", "by direct debit")


class Mandate(models.Model):
    """Somebody's agreement that a provider collects what they owe, until it is revoked.

    `provider_ref` is what the provider calls it; `ending` the last digits of the account, for people. Where the city's
    own bank collects (provider "bank") `provider_ref` is the mandate's reference, and account and its holder are here.
    """

    payer = models.ForeignKey(Person, models.CASCADE, related_name="+", verbose_name=_("person"))
    provider = models.CharField(_("provider"), max_length=50)
    provider_ref = models.CharField(_("reference"), max_length=200)
    ending = models.CharField(_("last digits"), max_length=8, blank=True)
    name = models.CharField(_("account holder"), max_length=70, blank=True)
    iban = models.CharField(_("account number (IBAN)"), max_length=34, blank=True)
    agreed_at = models.DateTimeField(_("agreed"))
    revoked_at = models.DateTimeField(_("revoked"), null=True)

    class Meta:
        verbose_name = _("direct debit")
        verbose_name_plural = _("direct debits")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["provider", "provider_ref"], name="payments_mandate_ref")
        ]

    def __str__(self) -> str:
        return f"{self.provider} …{self.ending}"


class Bill(models.Model):
    """A claim of the city's. `key` is its idempotency key, `service` whose it is and `about` what for ("order:7").

    `owed` is what is claimed: `amount` less what was waived. `paid` is what came, less what went back; it may be more
    than is owed, and that is the payer's `credit`. `secret` opens its page to whoever has no account.
    """

    key = models.UUIDField(unique=True)
    service = models.CharField(max_length=50)
    about = models.CharField(max_length=200, blank=True)
    title = models.CharField(_("what for"), max_length=200)
    payer = models.ForeignKey(Person, models.SET_NULL, null=True, related_name="+", verbose_name=_("payer"))
    secret = models.CharField(max_length=43, unique=True)
    reference = models.CharField(_("reference"), max_length=25, unique=True)
    scheme = models.CharField(_("how it is paid"), max_length=20, choices=Scheme.choices, default=Scheme.SINGLE)
    mandate = models.ForeignKey(Mandate, models.SET_NULL, null=True, related_name="+")
    unit = models.CharField(_("unit"), max_length=20)
    amount = models.BigIntegerField(_("amount"))
    owed = models.BigIntegerField(_("owed"))
    paid = models.BigIntegerField(_("paid"), default=0)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.OPEN)
    parts_allowed = models.BooleanField(_("may be paid in parts"), default=False)
    made_at = models.DateTimeField(_("made"))
    due_on = models.DateField(_("due"))
    overdue_since = models.DateField(_("overdue since"), null=True)
    paid_at = models.DateTimeField(_("paid on"), null=True)

    class Meta:
        verbose_name = _("bill")
        verbose_name_plural = _("bills")
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["payer", "-id"], name="payments_bill_payer"),
            models.Index(fields=["service", "about"], name="payments_bill_about"),
            models.Index(
                fields=["due_on"], condition=models.Q(state__in=("open", "part_paid")), name="payments_bill_due"
            ),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(amount__gt=0, owed__gte=0, owed__lte=models.F("amount")), name="payments_bill_owed"
            )
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def ref(self) -> str:
        """What the journal, the ledger and deadlines call it."""
        return f"bill:{self.pk}"

    @property
    def open(self) -> int:
        """What is still to be paid."""
        return max(0, self.owed - self.paid)

    @property
    def credit(self) -> int:
        """What was paid too much, and is the payer's to have back."""
        return max(0, self.paid - self.owed)

    @property
    def waived(self) -> int:
        """What of the amount is claimed no more."""
        return self.amount - self.owed

    @property
    def is_open(self) -> bool:
        """Whether somebody is waited for to pay."""
        return self.state in (State.OPEN, State.PART_PAID)


class Line(models.Model):
    """What a part of a bill is for."""

    bill = models.ForeignKey(Bill, models.CASCADE, related_name="lines")
    what = models.CharField(_("what for"), max_length=200)
    amount = models.BigIntegerField(_("amount"))

    class Meta:
        verbose_name = _("line of a bill")
        verbose_name_plural = _("lines of bills")
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [models.CheckConstraint(condition=~models.Q(amount=0), name="payments_line_amount")]

    def __str__(self) -> str:
        return self.what


class Instalment(models.Model):
    """A dated part of a bill; what is paid covers the earliest first."""

    bill = models.ForeignKey(Bill, models.CASCADE, related_name="instalments")
    due_on = models.DateField(_("due"))
    amount = models.BigIntegerField(_("amount"))

    class Meta:
        verbose_name = _("instalment")
        verbose_name_plural = _("instalments")
        ordering: ClassVar = ["due_on", "id"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="payments_instalment_amount")
        ]

    def __str__(self) -> str:
        return f"{self.due_on} {self.amount}"
