"""How much of the city free units reach in time, and the moves that would better it."""

from __future__ import annotations

import math
from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cityhall.kernel.places.point import OptionalPointField, PointField
from cityhall.services.safety.models.units import Unit


class Coverage(models.Model):
    """The newest picture: one row, written by `coverage.py` alone.

    `share` of the demand that a free unit reaches in time, 0 to 1; `residents`: the demand is people who live there.
    `cells` are [H3 cell, share of the demand, seconds of the first unit or None]. `unit` is the one that had better
    wait at `post`: `gain` is what that adds to the expected share, `share_then` the share with it there.
    """

    class Why(models.TextChoices):
        UNITS = "units", pgettext_lazy("coverage", "no unit is free")
        STREETS = "streets", pgettext_lazy("coverage", "the city has no street graph")

    made_at = models.DateTimeField()
    why = models.CharField(max_length=10, choices=Why.choices, blank=True)
    share = models.FloatField(default=0.0)
    residents = models.BooleanField(default=False)
    free = models.PositiveIntegerField(default=0)
    cells = models.JSONField(default=list)
    unit = models.ForeignKey(Unit, models.SET_NULL, null=True, related_name="+", db_index=False)
    post = models.CharField(max_length=100, blank=True)
    point = OptionalPointField(null=True)
    seconds = models.FloatField(null=True)
    gain = models.FloatField(default=0.0)
    share_then = models.FloatField(default=0.0)
    capped = models.BooleanField(default=False)

    class Meta:
        verbose_name = _("coverage")
        verbose_name_plural = _("coverage")

    def __str__(self) -> str:
        return f"{self.made_at} {self.share:.3f}"

    @property
    def per_cent(self) -> float:
        """The share in per cent."""
        return 100.0 * self.share

    @property
    def per_cent_then(self) -> float:
        """The share with the unit at the post, in per cent."""
        return 100.0 * self.share_then

    @property
    def minutes(self) -> int | None:
        """The unit's way to the post, in whole minutes begun."""
        return None if self.seconds is None else math.ceil(self.seconds / 60)

    @property
    def points(self) -> float:
        """What the move adds to the expected share, in points."""
        return 100.0 * self.gain


class Move(models.Model):
    """A unit that is free is asked to wait elsewhere. It stays free: an alert goes before.

    `gain` is the share of the demand that it was reckoned to add, expected.
    """

    class State(models.TextChoices):
        OFFERED = "offered", pgettext_lazy("move", "offered")
        ACCEPTED = "accepted", pgettext_lazy("move", "on its way")
        THERE = "there", pgettext_lazy("move", "there")
        REFUSED = "refused", pgettext_lazy("move", "refused")
        LAPSED = "lapsed", pgettext_lazy("move", "no answer")
        OVER = "over", pgettext_lazy("move", "needed elsewhere")

    unit = models.ForeignKey(Unit, models.CASCADE, related_name="moves", verbose_name=_("unit"))
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.OFFERED)
    post = models.CharField(_("post"), max_length=100)
    point = PointField(_("position"))
    gain = models.FloatField(_("gain"))
    offered_at = models.DateTimeField(_("offered"))
    answered_at = models.DateTimeField(_("answered"), null=True)
    ended_at = models.DateTimeField(_("ended"), null=True)

    class Meta:
        verbose_name = _("move")
        verbose_name_plural = _("moves")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["unit"], condition=models.Q(state__in=["offered", "accepted"]), name="move_once"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["offered_at"], name="move_offered")]

    def __str__(self) -> str:
        return f"{self.unit_id} {self.post} {self.state}"
