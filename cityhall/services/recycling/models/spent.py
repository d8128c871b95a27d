"""What points are spent on: shops that take them, fees that are paid with them, money paid out for them."""

from __future__ import annotations

import secrets
from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cityhall.kernel.payments.models import Intent, Payout
from cityhall.kernel.people.models import Person
from cityhall.services.recycling.models.collected import ALPHABET, Account
from cityhall.services.recycling.wording import points, worded


def new_voucher() -> str:
    """The code of a voucher: 10 of 32 signs, so that nobody finds one by trying."""
    return "".join(secrets.choice(ALPHABET) for _ in range(10))


class Partner(models.Model):
    """A shop that takes vouchers. `iban` and `account_name`: where the bank pays what it is owed; "": by other ways."""

    key = models.SlugField(max_length=40, unique=True)
    names = models.JSONField(help_text=_("name by language code"))
    address = models.CharField(_("address"), max_length=200, blank=True)
    iban = models.CharField(_("account number (IBAN)"), max_length=34, blank=True)
    account_name = models.CharField(_("name of the bank account"), max_length=70, blank=True)
    active = models.BooleanField(_("takes part"), default=True)

    class Meta:
        verbose_name = _("partner shop")
        verbose_name_plural = _("partner shops")

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        return worded(self.names, self.key)

    @property
    def scope(self) -> str:
        """For what a shop's people hold their role."""
        return f"partner:{self.key}"


class Offer(models.Model):
    """What a shop gives for points. `stock` None: there is always another one."""

    partner = models.ForeignKey(Partner, models.CASCADE, related_name="offers")
    key = models.SlugField(max_length=40, unique=True)
    names = models.JSONField(help_text=_("name by language code"))
    price = models.PositiveIntegerField(_("points"))
    stock = models.PositiveIntegerField(_("in stock"), null=True, blank=True)
    order = models.PositiveSmallIntegerField(default=0)
    active = models.BooleanField(_("can be had"), default=True)

    class Meta:
        verbose_name = _("offer of a shop")
        verbose_name_plural = _("offers of shops")
        ordering: ClassVar = ["order", "key"]
        constraints: ClassVar = [models.CheckConstraint(condition=models.Q(price__gt=0), name="recycling_offer_price")]

    @property
    def name(self) -> str:
        return worded(self.names, self.key)

    @property
    def costs(self) -> str:
        """The price as people read it."""
        return points(self.price)


class Voucher(models.Model):
    """So many of an offer for points: shown at the shop, which redeems its code once. What is `returned` brings back
    its part of the points. `key` makes it one however often the form is sent."""

    class State(models.TextChoices):
        OPEN = "open", pgettext_lazy("voucher", "ready to be used")
        USED = "used", pgettext_lazy("voucher", "used")
        RETURNED = "returned", pgettext_lazy("voucher", "given back")

    key = models.UUIDField(unique=True)
    code = models.CharField(_("code"), max_length=10, unique=True, default=new_voucher)
    account = models.ForeignKey(Account, models.PROTECT, related_name="vouchers")
    person = models.ForeignKey(Person, models.SET_NULL, null=True, related_name="+", verbose_name=_("person"))
    offer = models.ForeignKey(Offer, models.PROTECT, related_name="+")
    count = models.PositiveSmallIntegerField(_("number"))
    points = models.PositiveIntegerField(_("points"))
    returned = models.PositiveSmallIntegerField(_("given back"), default=0)
    points_back = models.PositiveIntegerField(_("points given back"), default=0)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.OPEN)
    made_at = models.DateTimeField(_("made"))
    used_at = models.DateTimeField(_("used on"), null=True)

    class Meta:
        verbose_name = _("voucher")
        verbose_name_plural = _("vouchers")
        indexes: ClassVar = [models.Index(fields=["account", "-made_at"], name="recycling_voucher_account")]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(
                    count__gt=0,
                    points__gt=0,
                    returned__lte=models.F("count"),
                    points_back__lte=models.F("points"),
                ),
                name="recycling_voucher_back",
            )
        ]

    @property
    def left(self) -> int:
        """How many were not given back."""
        return self.count - self.returned

    @property
    def ref(self) -> str:
        """What the journal and the ledger call it."""
        return f"voucher:{self.pk}"


class FeePaid(models.Model):
    """Points that paid a bill or a part of it: the payment `intent` has the money's side."""

    key = models.UUIDField(unique=True)
    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    intent = models.OneToOneField(Intent, models.PROTECT, related_name="+")
    points = models.PositiveIntegerField(_("points"))
    points_back = models.PositiveIntegerField(_("points given back"), default=0)
    at = models.DateTimeField(_("paid on"))

    class Meta:
        verbose_name = _("bill paid with points")
        verbose_name_plural = _("bills paid with points")
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(points_back__lte=models.F("points")), name="recycling_fee_back")
        ]


class PaidOut(models.Model):
    """Points that become money on a bank account; where it goes is with the payout."""

    key = models.UUIDField(unique=True)
    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    payout = models.OneToOneField(Payout, models.PROTECT, related_name="+")
    points = models.PositiveIntegerField(_("points"))
    at = models.DateTimeField(_("asked"))

    class Meta:
        verbose_name = _("points paid out")
        verbose_name_plural = _("points paid out")
