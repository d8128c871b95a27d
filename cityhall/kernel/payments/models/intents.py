"""Attempts to pay, the facts that were heard of them, and what is given back."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cityhall.kernel.payments.facts import KINDS, Standing
from cityhall.kernel.payments.models.bills import Bill, Mandate
from cityhall.kernel.people.models import Person


class Intent(models.Model):
    """One attempt to pay a bill by a provider. `uid` is ours, and its idempotency key there; `provider_ref` theirs,
    `also_ref` a second name there (Stripe's PaymentIntent of a Checkout Session).

    `captured`, `given_back`, `disputed` and `standing` follow from its facts alone (facts.py), in whichever order
    these were heard. `url` is where the payer goes on; `ask_at` when the provider is asked next what has become of it.
    """

    uid = models.UUIDField(unique=True)
    bill = models.ForeignKey(Bill, models.PROTECT, related_name="intents")
    provider = models.CharField(_("provider"), max_length=50)
    provider_ref = models.CharField(_("provider's reference"), max_length=200, blank=True)
    also_ref = models.CharField(max_length=200, blank=True, db_index=True)
    mandate = models.ForeignKey(Mandate, models.SET_NULL, null=True, related_name="+")
    amount = models.BigIntegerField(_("amount"))
    unit = models.CharField(_("unit"), max_length=20)
    standing = models.CharField(_("state"), max_length=12, choices=Standing.choices, default=Standing.STARTED)
    captured = models.BigIntegerField(_("received"), default=0)
    given_back = models.BigIntegerField(_("given back"), default=0)
    disputed = models.BigIntegerField(_("charged back"), default=0)
    fees = models.BigIntegerField(_("fees"), default=0)
    url = models.CharField(max_length=2000, blank=True)
    return_to = models.CharField(max_length=500, blank=True)
    made_at = models.DateTimeField(_("begun"))
    expires_at = models.DateTimeField(_("ends"), null=True)
    ask_at = models.DateTimeField(null=True)
    asked = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("payment")
        verbose_name_plural = _("payments")
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["ask_at"], condition=~models.Q(ask_at=None), name="payments_intent_ask"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["provider", "provider_ref"], condition=~models.Q(provider_ref=""), name="payments_intent_ref"
            ),
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="payments_intent_amount"),
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.uid}"

    @property
    def ref(self) -> str:
        """What the journal and deadlines call it."""
        return f"intent:{self.pk}"

    @property
    def net(self) -> int:
        """What of it the city has now."""
        return max(0, self.captured - self.given_back - self.disputed)


class Fact(models.Model):
    """Something that a provider, or the bank, says is so of an intent: told twice it is one, and it never changes.

    `fact_id` is the provider's own id of it (of the charge, the refund, the dispute), `at` the moment there, `via` how
    it was heard first.
    """

    intent = models.ForeignKey(Intent, models.PROTECT, related_name="facts")
    kind = models.CharField(max_length=20, choices=[(kind, kind) for kind in KINDS])
    fact_id = models.CharField(max_length=200)
    amount = models.BigIntegerField(_("amount"), default=0)
    at = models.DateTimeField()
    via = models.CharField(max_length=12)
    heard_at = models.DateTimeField(_("heard"))

    class Meta:
        verbose_name = _("fact of a payment")
        verbose_name_plural = _("facts of payments")
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["intent", "kind", "fact_id"], name="payments_fact_once"),
            models.CheckConstraint(condition=models.Q(amount__gte=0), name="payments_fact_amount"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.fact_id}"


class Refund(models.Model):
    """What the city gives back of a payment. `uid` is its key at the provider, which calls it `provider_ref`.

    `waives` is how much less is owed on the bill once it is done: what was paid too much waives nothing.
    """

    class State(models.TextChoices):
        """Where it stands."""

        ASKED = "asked", pgettext_lazy("refund", "waits for a second officer")
        SENDING = "sending", pgettext_lazy("refund", "on its way to the provider")
        DONE = "done", pgettext_lazy("refund", "given back")
        FAILED = "failed", pgettext_lazy("refund", "failed")
        REFUSED = "refused", pgettext_lazy("refund", "refused")

    uid = models.UUIDField(unique=True)
    intent = models.ForeignKey(Intent, models.PROTECT, related_name="refunds")
    amount = models.BigIntegerField(_("amount"))
    waives = models.BigIntegerField(default=0)
    state = models.CharField(_("state"), max_length=10, choices=State.choices)
    provider_ref = models.CharField(_("provider's reference"), max_length=200, blank=True)
    reason = models.CharField(_("reason"), max_length=300)
    asked_by = models.ForeignKey(Person, models.SET_NULL, null=True, related_name="+", verbose_name=_("asked by"))
    approved_by = models.ForeignKey(Person, models.SET_NULL, null=True, related_name="+", verbose_name=_("approved by"))
    made_at = models.DateTimeField(_("asked"))

    class Meta:
        verbose_name = _("refund")
        verbose_name_plural = _("refunds")
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(amount__gt=0, waives__gte=0, waives__lte=models.F("amount")),
                name="payments_refund_amount",
            )
        ]

    def __str__(self) -> str:
        return f"{self.uid}"

    @property
    def ref(self) -> str:
        """What the journal calls it."""
        return f"refund:{self.pk}"


class RefundAccount(models.Model):
    """To which account a refund goes of which the bank has not said where it came from.

    It counts once `agreed_by`, an officer and another person than who gave it, has agreed.
    """

    refund = models.OneToOneField(Refund, models.PROTECT, related_name="account")
    name = models.CharField(_("account holder"), max_length=70)
    iban = models.CharField(_("account number (IBAN)"), max_length=34)
    given_by = models.ForeignKey(Person, models.SET_NULL, null=True, related_name="+", verbose_name=_("told by"))
    given_at = models.DateTimeField(_("told"))
    agreed_by = models.ForeignKey(Person, models.SET_NULL, null=True, related_name="+", verbose_name=_("agreed by"))
    agreed_at = models.DateTimeField(_("agreed"), null=True)

    class Meta:
        verbose_name = _("account of a refund")
        verbose_name_plural = _("accounts of refunds")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(agreed_by=None)
                | models.Q(given_by=None)
                | ~models.Q(agreed_by=models.F("given_by")),
                name="payments_refund_account_two",
            )
        ]

    def __str__(self) -> str:
        return f"{self.refund_id} {self.iban[-4:]}"
