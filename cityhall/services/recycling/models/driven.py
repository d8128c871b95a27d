"""The trucks that fetch it, and the order of a day's stops."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.places.point import PointField
from cityhall.services.recycling.wording import worded


class Truck(models.Model):
    """A truck and its crew's day, as the city's file says.

    `compartments`: [{"materials": keys, none for all, "grams": most}]. `weekdays` as the file has them, Monday 1;
    `begins` and `ends` are minutes of the city's clock. `unloading`: [{"at": [lon, lat], "minutes": how long}].
    """

    key = models.SlugField(max_length=40, unique=True)
    names = models.JSONField(help_text=_("name by language code"))
    compartments = models.JSONField()
    weekdays = models.JSONField()
    begins = models.PositiveSmallIntegerField(_("shift begins"))
    ends = models.PositiveSmallIntegerField(_("shift ends"))
    depot = PointField()
    unloading = models.JSONField(default=list)
    order = models.PositiveSmallIntegerField(default=0)
    active = models.BooleanField(_("drives"), default=True)

    class Meta:
        verbose_name = _("collection truck")
        verbose_name_plural = _("collection trucks")
        ordering: ClassVar = ["order", "key"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(begins__lt=models.F("ends")), name="recycling_truck_shift")
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        return worded(self.names, self.key)


class Round(models.Model):
    """The order of a day's stops, and the lock under which it is changed.

    `order`: by a truck's key its stops, a pickup's number or "u0" for its first place to unload at. Times are not kept:
    they follow from the order, and from what has happened.
    """

    day = models.DateField(_("day"), unique=True)
    order = models.JSONField(default=dict)
    changed_at = models.DateTimeField(_("changed"))
    planned_at = models.DateTimeField(_("planned"), null=True)

    class Meta:
        verbose_name = _("round")
        verbose_name_plural = _("rounds")
