"""Calls from vehicles under way: on which line, and before which stop."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from cityhall.services.safety.models.alerts import Alert


class Journey(models.Model):
    """What the vehicle was doing when its alert was opened. Ids are GTFS's; names are kept, for feeds change theirs.

    `stop` is the next one, or the last where no other comes. It tells of a line at an hour, and of nobody.
    """

    alert = models.OneToOneField(Alert, models.CASCADE, primary_key=True, related_name="journey")
    line = models.CharField(_("line"), max_length=200)
    line_name = models.CharField(_("line"), max_length=100)
    direction = models.SmallIntegerField(_("direction"), default=-1)
    headsign = models.CharField(_("to"), max_length=200, blank=True)
    stop = models.CharField(_("next stop"), max_length=200, blank=True)
    stop_name = models.CharField(_("next stop"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("journey")
        verbose_name_plural = _("journeys")

    def __str__(self) -> str:
        return f"{self.alert_id} {self.line_name}"
