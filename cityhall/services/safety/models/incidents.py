"""Major incidents: many alerts that tell of one thing, each of which stays an alert of its own."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from cityhall.services.safety.models.alerts import Alert

LINES = {
    "declared": _("Major incident declared"),
    "attach": _("Alert attached"),
    "detach": _("Alert taken out"),
    "card": _("Asked"),
    "note": _("Note"),
    "stand_down": _("Stand-down"),
}
"""What a line of an incident's own log may tell."""


class Incident(models.Model):
    """A major incident. `kind` is that of its alerts, by which its question card is chosen."""

    name = models.CharField(_("name"), max_length=100)
    kind = models.CharField(_("kind"), max_length=12, choices=Alert.Kind.choices)
    exercise = models.BooleanField(_("exercise"), default=False)
    declared_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("who declared it"),
    )
    declared_at = models.DateTimeField(_("declared"))
    ended_at = models.DateTimeField(_("ended"), null=True)

    class Meta:
        verbose_name = _("major incident")
        verbose_name_plural = _("major incidents")
        ordering: ClassVar = ["-pk"]

    def __str__(self) -> str:
        return self.name


class Attached(models.Model):
    """An alert of a major incident: beside the alert, so that no press ever has to say that it is of none."""

    alert = models.OneToOneField(Alert, models.CASCADE, primary_key=True, related_name="attached")
    incident = models.ForeignKey(Incident, models.CASCADE, related_name="attached")

    class Meta:
        verbose_name = _("alert of a major incident")
        verbose_name_plural = _("alerts of a major incident")

    def __str__(self) -> str:
        return f"{self.alert_id} {self.incident_id}"


class IncidentLine(models.Model):
    """A line of an incident's own log. `text` may tell of people."""

    incident = models.ForeignKey(Incident, models.CASCADE, related_name="lines")
    at = models.DateTimeField()
    what = models.CharField(max_length=20)
    who = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    data = models.JSONField(default=dict)
    text = models.TextField(_("text"), blank=True)

    class Meta:
        verbose_name = _("line of the log of a major incident")
        verbose_name_plural = _("lines of the log of a major incident")
        ordering: ClassVar = ["pk"]

    def __str__(self) -> str:
        return f"{self.incident_id} {self.what}"

    @property
    def label(self) -> str:
        """What was done, in the reader's language."""
        return str(LINES.get(self.what, self.what))
