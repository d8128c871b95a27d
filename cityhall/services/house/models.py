"""What City Hall lends and sells, and who has taken what. When a room is taken, kernel/bookings knows; what was paid
for it, kernel/payments."""

from __future__ import annotations

import secrets
from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cityhall.kernel.bookings.models import Booking, Resource
from cityhall.kernel.media.models import Media
from cityhall.kernel.payments.models import Bill
from cityhall.kernel.people.models import Person
from cityhall.services.house.wording import money, worded

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Signs of a code that nobody takes for another when it is read out at a counter."""
CODE = 6


def new_code() -> str:
    """A code to fetch what was bought with; it opens nothing without an officer."""
    return "".join(secrets.choice(ALPHABET) for _ in range(CODE))


class Offered(models.Model):
    """What rooms and wares have in common. `price` is in the smallest part of the city's currency."""

    slug = models.SlugField(max_length=50, unique=True)
    names = models.JSONField(help_text=_("name by language code"))
    about = models.JSONField(default=dict, help_text=_("a sentence by language code"))
    price = models.PositiveIntegerField(_("price"))
    picture = models.ForeignKey(Media, models.SET_NULL, null=True, blank=True, related_name="+")
    picture_of = models.CharField(max_length=64, blank=True, help_text=_("SHA-256 of the file it was made of"))
    order = models.PositiveSmallIntegerField(default=0)
    active = models.BooleanField(_("can be had"), default=True)

    class Meta:
        abstract = True
        ordering: ClassVar = ["order", "slug"]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        return worded(self.names, self.slug)

    @property
    def told(self) -> str:
        """What it is, in a sentence."""
        return worded(self.about)

    @property
    def costs(self) -> str:
        """The price as people write it."""
        return money(self.price)


class Room(Offered):
    """A room that anybody may book by the hour: `price` is for one. With `approval` an officer looks at it first."""

    seats = models.PositiveSmallIntegerField(_("seats"))
    wheelchair = models.BooleanField(_("reached with a wheelchair"), default=False)
    hearing_loop = models.BooleanField(_("hearing loop"), default=False)
    reached = models.JSONField(default=dict, help_text=_("how to reach it, by language code"))
    equipment = models.JSONField(default=list, help_text=_("what is in it, each by language code"))
    approval = models.BooleanField(_("an officer looks at requests"), default=False)
    weekdays = models.JSONField(_("days"), default=list, help_text=_("1 is Monday, 7 Sunday"))
    opens = models.TimeField(pgettext_lazy("a room", "opens"))
    closes = models.TimeField(pgettext_lazy("a room", "closes"))
    cancel_hours = models.PositiveSmallIntegerField(_("hours before, until which cancelling costs nothing"), default=24)
    buffer_minutes = models.PositiveSmallIntegerField(_("minutes kept free after each use"), default=0)
    resource = models.OneToOneField(Resource, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta(Offered.Meta):
        verbose_name = _("room")
        verbose_name_plural = _("rooms")

    @property
    def way(self) -> str:
        """How it is reached."""
        return worded(self.reached)

    @property
    def things(self) -> list[str]:
        """What is in it."""
        return [worded(one) for one in self.equipment]


class Reservation(models.Model):
    """What a booking of a room costs and how many come. Its hours, state, rules and what it is for are the booking's.

    All of a series have one `bill`; `price` is this one's part of it, `back` what of that was given back. `until`: an
    approved one is to be paid by then, or it is cancelled.
    """

    booking = models.OneToOneField(Booking, models.CASCADE, related_name="reservation")
    room = models.ForeignKey(Room, models.PROTECT, related_name="reservations")
    person = models.ForeignKey(Person, models.SET_NULL, null=True, related_name="+")
    people = models.PositiveSmallIntegerField(_("how many people"))
    price = models.PositiveIntegerField(_("price"))
    back = models.PositiveIntegerField(_("given back"), default=0)
    bill = models.ForeignKey(Bill, models.PROTECT, null=True, related_name="+")
    until = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("room booking")
        verbose_name_plural = _("room bookings")
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(back__lte=models.F("price")), name="house_back_paid")
        ]


class Closure(models.Model):
    """A day on which a room cannot be had."""

    room = models.ForeignKey(Room, models.CASCADE, related_name="closures")
    day = models.DateField(_("day"))
    reason = models.CharField(_("reason"), max_length=200)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["room", "day"], name="house_closed_once")]
        verbose_name = _("day on which a room is closed")
        verbose_name_plural = _("days on which rooms are closed")


class Item(Offered):
    """A ware of the shop. `stock` None: there is always another one."""

    stock = models.PositiveIntegerField(_("in stock"), null=True, blank=True)

    class Meta(Offered.Meta):
        verbose_name = _("ware")
        verbose_name_plural = _("wares")


class Order(models.Model):
    """What somebody buys of the shop, on one bill; fetched with its code."""

    class State(models.TextChoices):
        OPEN = "open", pgettext_lazy("order", "to be paid")
        PAID = "paid", pgettext_lazy("order", "ready to be fetched")
        HANDED = "handed", pgettext_lazy("order", "fetched")
        RETURNED = "returned", pgettext_lazy("order", "given back")
        VOID = "void", pgettext_lazy("order", "not paid in time")

    key = models.UUIDField(unique=True)
    person = models.ForeignKey(Person, models.SET_NULL, null=True, related_name="+")
    code = models.CharField(_("code"), max_length=CODE, unique=True, default=new_code)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.OPEN)
    bill = models.OneToOneField(Bill, models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField()
    until = models.DateTimeField(help_text=_("to be paid by then"))
    handed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("order")
        verbose_name_plural = _("orders")


class Line(models.Model):
    """So many of a ware, each for `price`; `returned` of them were given back, and their price with them."""

    order = models.ForeignKey(Order, models.CASCADE, related_name="lines")
    item = models.ForeignKey(Item, models.PROTECT, related_name="+")
    count = models.PositiveSmallIntegerField(_("number"))
    price = models.PositiveIntegerField(_("price"))
    returned = models.PositiveSmallIntegerField(_("given back"), default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["order", "item"], name="house_line_once"),
            models.CheckConstraint(condition=models.Q(returned__lte=models.F("count")), name="house_returned_had"),
        ]
        verbose_name = _("ware of an order")
        verbose_name_plural = _("wares of orders")

    @property
    def left(self) -> int:
        """How many were not given back."""
        return self.count - self.returned

    @property
    def total(self) -> str:
        """What the line costs, as people write it."""
        return money(self.count * self.price)
