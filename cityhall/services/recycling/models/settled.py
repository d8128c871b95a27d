"""What the city pays shops, what it sells, and what collecting costs. Amounts are in the unit's smallest part."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cityhall.kernel.payments.models import Payout
from cityhall.kernel.people.models import Person
from cityhall.services.recycling.models.collected import Material
from cityhall.services.recycling.models.spent import Partner, Voucher
from cityhall.services.recycling.wording import kilograms


class Settlement(models.Model):
    """What a shop is owed for the vouchers that it took until the end of a month, less what was brought back to it.

    One officer draws it up, another releases it. `amount` is what its points are worth and what earlier ones
    `carried`; where that is nothing or less it is carried into the next. `payout` is there where the bank pays it.
    """

    class State(models.TextChoices):
        DRAWN = "drawn", pgettext_lazy("settlement", "waits for another officer")
        CARRIED = "carried", pgettext_lazy("settlement", "carried into the next")
        RELEASED = "released", pgettext_lazy("settlement", "to be paid")
        PAID = "paid", pgettext_lazy("settlement", "paid")
        WITHDRAWN = "withdrawn", pgettext_lazy("settlement", "withdrawn")

    partner = models.ForeignKey(Partner, models.PROTECT, related_name="settlements")
    month = models.DateField(_("month"), help_text=_("its first day"))
    state = models.CharField(_("state"), max_length=10, choices=State.choices)
    points = models.BigIntegerField(_("points"))
    carried = models.BigIntegerField(_("carried from before"), default=0)
    amount = models.BigIntegerField(_("amount"))
    unit = models.CharField(_("unit"), max_length=20)
    into = models.ForeignKey("self", models.SET_NULL, null=True, related_name="carries")
    drawn_by = models.ForeignKey(Person, models.SET_NULL, null=True, related_name="+", verbose_name=_("drawn up by"))
    drawn_at = models.DateTimeField(_("drawn up"))
    released_by = models.ForeignKey(Person, models.SET_NULL, null=True, related_name="+", verbose_name=_("released by"))
    released_at = models.DateTimeField(_("released"), null=True)
    payout = models.OneToOneField(Payout, models.PROTECT, null=True, related_name="+")
    reference = models.CharField(_("reference of the payment"), max_length=140, blank=True)
    paid_on = models.DateField(_("paid on"), null=True)
    why = models.CharField(_("reason"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("settlement with a shop")
        verbose_name_plural = _("settlements with shops")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["partner", "month"],
                condition=~models.Q(state="withdrawn"),
                name="recycling_settlement_once",
            ),
            models.CheckConstraint(
                condition=models.Q(released_by=None) | ~models.Q(released_by=models.F("drawn_by")),
                name="recycling_settlement_two_officers",
            ),
        ]

    @property
    def ref(self) -> str:
        """What the journal and payouts call it."""
        return f"settlement:{self.pk}"


class SettlementLine(models.Model):
    """A voucher that was used, or a part of one that was brought back. `key` is the voucher's or the posting's own, so
    that nothing is settled twice, whoever races; a settlement that is withdrawn lets go of its lines."""

    class Kind(models.TextChoices):
        USED = "used", pgettext_lazy("line of a settlement", "used")
        BACK = "back", pgettext_lazy("line of a settlement", "brought back")

    settlement = models.ForeignKey(Settlement, models.CASCADE, related_name="lines")
    key = models.UUIDField(unique=True)
    voucher = models.ForeignKey(Voucher, models.PROTECT, related_name="+")
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    at = models.DateTimeField(_("when"))
    points = models.IntegerField(_("points"))

    class Meta:
        verbose_name = _("line of a settlement")
        verbose_name_plural = _("lines of settlements")
        ordering: ClassVar = ["at", "pk"]


class Leaving(models.Model):
    """Material that left the city's store: sold to a recycler, or lost. What was wrong is put right by a row of the
    opposite that `reverses` it. `key` makes it one however often the form is sent."""

    class Kind(models.TextChoices):
        SOLD = "sold", pgettext_lazy("material", "sold")
        LOST = "lost", pgettext_lazy("material", "lost or thrown away")

    key = models.UUIDField(unique=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    material = models.ForeignKey(Material, models.PROTECT, related_name="+", verbose_name=_("material"))
    grams = models.BigIntegerField(_("grams"))
    amount = models.BigIntegerField(_("price"), default=0)
    unit = models.CharField(_("unit"), max_length=20)
    buyer = models.CharField(_("buyer"), max_length=150, blank=True)
    document = models.CharField(_("number of the document"), max_length=60, blank=True)
    day = models.DateField(_("day"))
    why = models.CharField(_("reason"), max_length=300, blank=True)
    person = models.ForeignKey(Person, models.SET_NULL, null=True, related_name="+", verbose_name=_("entered by"))
    at = models.DateTimeField(_("entered"))
    reverses = models.OneToOneField("self", models.PROTECT, null=True, related_name="reversal")

    class Meta:
        verbose_name = _("material that left")
        verbose_name_plural = _("material that left")
        ordering: ClassVar = ["-day", "-pk"]
        indexes: ClassVar = [models.Index(fields=["material", "day"], name="recycling_leaving_material")]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(reverses=None, grams__gt=0, amount__gte=0)
                | models.Q(reverses__isnull=False, grams__lt=0, amount__lte=0),
                name="recycling_leaving_sign",
            )
        ]

    @property
    def ref(self) -> str:
        """What the journal calls it."""
        return f"leaving:{self.pk}"

    @property
    def weight(self) -> str:
        return kilograms(self.grams)


class Cost(models.Model):
    """What collecting cost the city, on a day; what was wrong is put right by a row that `reverses` it."""

    class What(models.TextChoices):
        CREWS = "crews", pgettext_lazy("cost of recycling", "crews")
        TRUCKS = "trucks", pgettext_lazy("cost of recycling", "trucks and fuel")
        SORTING = "sorting", pgettext_lazy("cost of recycling", "sorting and storing")
        POINTS = "machines", pgettext_lazy("cost of recycling", "drop-off points and machines")
        OTHER = "other", pgettext_lazy("cost of recycling", "other")

    key = models.UUIDField(unique=True)
    what = models.CharField(_("for what"), max_length=10, choices=What.choices)
    day = models.DateField(_("day"))
    amount = models.BigIntegerField(_("amount"))
    unit = models.CharField(_("unit"), max_length=20)
    note = models.CharField(_("note"), max_length=200, blank=True)
    person = models.ForeignKey(Person, models.SET_NULL, null=True, related_name="+", verbose_name=_("entered by"))
    at = models.DateTimeField(_("entered"))
    reverses = models.OneToOneField("self", models.PROTECT, null=True, related_name="reversal")

    class Meta:
        verbose_name = _("cost of recycling")
        verbose_name_plural = _("costs of recycling")
        ordering: ClassVar = ["-day", "-pk"]
        indexes: ClassVar = [models.Index(fields=["day"], name="recycling_cost_day")]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(reverses=None, amount__gt=0) | models.Q(reverses__isnull=False, amount__lt=0),
                name="recycling_cost_sign",
            )
        ]

    @property
    def ref(self) -> str:
        """What the journal calls it."""
        return f"cost:{self.pk}"
