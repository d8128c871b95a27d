"""What is known of places that alerts come from."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.media.models import Media
from cityhall.kernel.places.point import OptionalPointField
from cityhall.kernel.vehicles.models import Vehicle
from cityhall.services.safety.models.buttons import Button


class Premise(models.Model):
    """A place of which whoever goes there must know something: round a point, or where a button or a vehicle is.

    `sealed` holds its caution and notes (see `premises.py`): who lives there, what they are ill with, the code of the
    gate. It is erased after `until`, unless a supervisor has looked at it again.
    """

    name = models.CharField(_("name"), max_length=100)
    point = OptionalPointField(_("place"), null=True)
    radius_m = models.PositiveIntegerField(_("metres round it"), default=50)
    button = models.ForeignKey(Button, models.CASCADE, null=True, blank=True, related_name="premises")
    vehicle = models.ForeignKey(Vehicle, models.CASCADE, null=True, blank=True, related_name="+")
    sealed = models.BinaryField(_("notes and cautions"))
    plan = models.ForeignKey(
        Media, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("floor plan")
    )
    until = models.DateField(_("kept until"))
    changed_at = models.DateTimeField(_("changed"))

    class Meta:
        verbose_name = _("known place")
        verbose_name_plural = _("known places")
        ordering: ClassVar = ["name", "pk"]

    def __str__(self) -> str:
        return self.name
