"""Campaigns against harassment: where and when guards are on the lines, and whom they spoke to."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Campaign(models.Model):
    """Guards on a line or at a stop, between two hours of the day, from one day to another.

    `line` and `stop` are GTFS ids, "" for every one. `from_hour` to `to_hour` (0-24, local time; the second may be
    less: over midnight). `days` before the first day and after the last are what is compared.
    """

    name = models.CharField(_("name"), max_length=100)
    about = models.CharField(_("about"), max_length=500, blank=True)
    line = models.CharField(_("line"), max_length=200, blank=True)
    line_name = models.CharField(_("line"), max_length=100, blank=True)
    stop = models.CharField(_("stop"), max_length=200, blank=True)
    stop_name = models.CharField(_("stop"), max_length=300, blank=True)
    from_hour = models.PositiveSmallIntegerField(_("from hour"), default=0)
    to_hour = models.PositiveSmallIntegerField(_("to hour"), default=24)
    begins = models.DateField(_("first day"))
    ends = models.DateField(_("last day"))
    days = models.PositiveSmallIntegerField(_("days compared before and after"), default=90)
    cancelled_at = models.DateTimeField(_("called off"), null=True)

    class Meta:
        verbose_name = _("campaign")
        verbose_name_plural = _("campaigns")
        ordering: ClassVar = ["-begins", "-pk"]

    def __str__(self) -> str:
        return self.name


class Deployment(models.Model):
    """A guard who takes part in a campaign."""

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="deployments")
    guard = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name=_("guard"))

    class Meta:
        verbose_name = _("guard of a campaign")
        verbose_name_plural = _("guards of campaigns")
        constraints: ClassVar = [models.UniqueConstraint(fields=["campaign", "guard"], name="guard_once")]

    def __str__(self) -> str:
        return f"{self.campaign_id} {self.guard_id}"


class Contact(models.Model):
    """So many people whom a guard spoke to in a campaign: how many and about what, and nothing of who they are."""

    class Kind(models.TextChoices):
        TALK = "talk", pgettext_lazy("contact", "talked to riders")
        LEAFLET = "leaflet", pgettext_lazy("contact", "gave leaflets")
        STAFF = "staff", pgettext_lazy("contact", "talked to drivers and staff")
        HELP = "help", pgettext_lazy("contact", "went along with somebody")

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="contacts")
    guard = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("guard")
    )
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    count = models.PositiveSmallIntegerField(_("how many"))
    at = models.DateTimeField(_("recorded"))

    class Meta:
        verbose_name = _("contact")
        verbose_name_plural = _("contacts")
        ordering: ClassVar = ["-pk"]

    def __str__(self) -> str:
        return f"{self.campaign_id} {self.kind} {self.count}"
