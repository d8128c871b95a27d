"""Buttons that call for help, and where they are."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cityhall.kernel.cases.models import Case
from cityhall.kernel.devices.models import Device
from cityhall.kernel.places.point import OptionalPointField, Point
from cityhall.kernel.vehicles.models import Vehicle


class Button(models.Model):
    """A button of the city: it stands at `point`, or rides in `vehicle` and is where that is.

    `caution` is what whoever goes there must know. `checked_at` is its last test press. `talk` is the address of an
    intercom of its own: a `sip:` (RFC 3261, section 19.1) or `tel:` URI (RFC 3966), "" where it has none.
    """

    class Kind(models.TextChoices):
        POLE = "pole", pgettext_lazy("button", "street pole")
        BUS = "bus", pgettext_lazy("button", "bus")
        TAXI = "taxi", pgettext_lazy("button", "taxi")
        BUSINESS = "business", pgettext_lazy("button", "business")

    device = models.OneToOneField(Device, models.CASCADE, related_name="safety_button")
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices, default=Kind.POLE)
    name = models.CharField(_("name"), max_length=100)
    point = OptionalPointField(_("place"), null=True)
    vehicle = models.ForeignKey(Vehicle, models.SET_NULL, null=True, blank=True, related_name="+")
    caution = models.CharField(_("caution"), max_length=300, blank=True)
    camera = models.URLField(_("camera"), blank=True)
    talk = models.CharField(_("intercom"), max_length=200, blank=True)
    battery = models.PositiveSmallIntegerField(_("battery, per cent"), null=True)
    tampered_at = models.DateTimeField(_("tampered with"), null=True)
    checked_at = models.DateTimeField(_("last test press"), null=True)

    class Meta:
        verbose_name = _("button")
        verbose_name_plural = _("buttons")
        ordering: ClassVar = ["name", "pk"]

    def __str__(self) -> str:
        return self.name

    @property
    def place(self) -> Point | None:
        """Where it is now, as far as anybody knows."""
        if self.vehicle_id is not None:
            state = getattr(self.vehicle, "state", None)
            if state is not None:
                return Point(*state.point)
        return self.point


class Repair(models.Model):
    """Something of a button is to be mended: the case says how that stands."""

    class Why(models.TextChoices):
        SILENT = "silent", pgettext_lazy("repair", "silent")
        BATTERY = "battery", pgettext_lazy("repair", "battery low")
        POWER = "power", pgettext_lazy("repair", "power cut")
        TAMPER = "tamper", pgettext_lazy("repair", "opened by somebody")
        PLACE = "place", pgettext_lazy("repair", "not where the register says")

    case = models.OneToOneField(Case, models.CASCADE, primary_key=True, related_name="safety_repair")
    button = models.ForeignKey(Button, models.CASCADE, related_name="repairs")
    why = models.CharField(_("why"), max_length=10, choices=Why.choices)
    text = models.CharField(_("text"), max_length=1000, blank=True)

    class Meta:
        verbose_name = _("repair")
        verbose_name_plural = _("repairs")

    def __str__(self) -> str:
        return f"{self.button} {self.why}"
