"""Whom the city sends, and where to."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cityhall.kernel.places.point import OptionalPointField
from cityhall.kernel.vehicles.models import Vehicle
from cityhall.services.safety.models.alerts import Alert


class Unit(models.Model):
    """A patrol that can be sent. Where it is, its vehicle's receiver says; without one, its `station`.

    `skills` are what it can do beside help ("harassment", "medical"); `on_duty` is set by its own crew or the desk.
    `person` is the account that its telephone uses.
    """

    name = models.CharField(_("name"), max_length=60, unique=True)
    vehicle = models.OneToOneField(Vehicle, models.SET_NULL, null=True, blank=True, related_name="+")
    station = OptionalPointField(_("station"), null=True)
    skills = models.JSONField(_("skills"), default=list, blank=True)
    on_duty = models.BooleanField(_("on duty"), default=False)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        verbose_name = _("unit")
        verbose_name_plural = _("units")
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


class UnitPress(models.Model):
    """A unit's own call for help, once by the `key` that its telephone made up for it."""

    unit = models.ForeignKey(Unit, models.CASCADE, related_name="+")
    alert = models.ForeignKey(Alert, models.CASCADE, related_name="+")
    key = models.CharField(max_length=64)

    class Meta:
        verbose_name = _("call of a unit for help")
        verbose_name_plural = _("calls of units for help")
        constraints: ClassVar = [models.UniqueConstraint(fields=["unit", "key"], name="unit_press_key")]

    def __str__(self) -> str:
        return f"{self.unit_id} {self.alert_id}"


class Assignment(models.Model):
    """A unit's part in an alert: how far it is stands here and nowhere else.

    `seconds` is how long its way was reckoned when it was chosen. `check_at` is when it must have said that all is
    well.
    """

    class State(models.TextChoices):
        OFFERED = "offered", pgettext_lazy("assignment", "offered")
        ACCEPTED = "accepted", pgettext_lazy("assignment", "on its way")
        THERE = "there", pgettext_lazy("assignment", "there")
        DONE = "done", pgettext_lazy("assignment", "done")
        REFUSED = "refused", pgettext_lazy("assignment", "refused")
        LAPSED = "lapsed", pgettext_lazy("assignment", "no answer")
        RECALLED = "recalled", pgettext_lazy("assignment", "called back")

    alert = models.ForeignKey(Alert, models.CASCADE, related_name="assignments")
    unit = models.ForeignKey(Unit, models.CASCADE, related_name="assignments")
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.OFFERED)
    seconds = models.FloatField(_("seconds of the way"), null=True)
    offered_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    there_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    check_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("assignment")
        verbose_name_plural = _("assignments")
        constraints: ClassVar = [
            # A unit is in one place: one assignment of it is not over.
            models.UniqueConstraint(
                fields=["unit"], condition=models.Q(state__in=["offered", "accepted", "there"]), name="unit_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.unit_id} {self.alert_id} {self.state}"
