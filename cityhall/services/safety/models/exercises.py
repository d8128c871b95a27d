"""Exercises of the control desk."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from cityhall.services.safety.models.alerts import Alert
from cityhall.services.safety.models.units import Unit


class Exercise(models.Model):
    """Pretended presses under a name, told only to the desk and to `units`. It ends by itself at `ends_at`."""

    name = models.CharField(_("name"), max_length=100)
    units = models.ManyToManyField(Unit, related_name="exercises", verbose_name=_("units"))
    begun_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("who began it"),
    )
    began_at = models.DateTimeField(_("began"))
    ends_at = models.DateTimeField(_("ends"))
    ended_at = models.DateTimeField(_("ended"), null=True)

    class Meta:
        verbose_name = _("exercise")
        verbose_name_plural = _("exercises")
        ordering: ClassVar = ["-pk"]

    def __str__(self) -> str:
        return self.name


class Pretended(models.Model):
    """An alert of an exercise: beside the alert, so that no press of a real button ever has to say that it is none."""

    alert = models.OneToOneField(Alert, models.CASCADE, primary_key=True, related_name="pretended")
    exercise = models.ForeignKey(Exercise, models.CASCADE, related_name="pretended")

    class Meta:
        verbose_name = _("alert of an exercise")
        verbose_name_plural = _("alerts of an exercise")

    def __str__(self) -> str:
        return f"{self.alert_id} {self.exercise_id}"
