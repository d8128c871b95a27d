"""What the fleet room keeps: episodes of what was out of the ordinary, tallies of a day, and each day's quality."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from cityhall.kernel.places.point import PointField


class Episode(models.Model):
    """Something out of the ordinary with a vehicle, from when it began to when it was over.

    `rule` is one of control/rules.py, `value` what it measures now and `worst` the most it was; `other` the vehicle
    it is bunched with. A vehicle has at most one open episode of a rule, whoever looks and however often.
    """

    rule = models.CharField(max_length=20)
    vehicle = models.CharField(max_length=100)
    other = models.CharField(max_length=100, blank=True)
    route = models.CharField(max_length=200, blank=True)
    line = models.CharField(max_length=100, blank=True)
    direction = models.SmallIntegerField(default=-1)
    trip = models.CharField(max_length=200, blank=True)
    service_day = models.DateField()
    began_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    value = models.FloatField()
    worst = models.FloatField()
    point = PointField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["rule", "vehicle"], condition=Q(ended_at=None), name="one_open_episode_a_rule"
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["service_day", "rule"], name="episode_day_rule"),
            models.Index(fields=["vehicle", "-began_at"], name="episode_vehicle"),
        ]

    def __str__(self) -> str:
        return f"{self.rule} {self.vehicle} {self.began_at:%Y-%m-%d %H:%M}"


class DayTally(models.Model):
    """Amounts that are added up while the day goes on, because nothing else keeps them.

    `what` is "seen_s" (seconds a vehicle was seen), "fix_s:<class>" (by class of fix), "logged_s" and "inferred_s"
    (on a trip that the driver logged, or that was found without), "moved_m" and "moving_s".
    """

    service_day = models.DateField()
    route = models.CharField(max_length=200, blank=True)
    what = models.CharField(max_length=20)
    amount = models.FloatField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["service_day", "route", "what"], name="one_tally_a_day")
        ]

    def __str__(self) -> str:
        return f"{self.service_day} {self.route} {self.what}: {self.amount}"


class DailyQuality(models.Model):
    """How well a line ran on a service day; `route` "" is all lines together. Computed anew as often as one likes.

    `figures` are control/quality.py's, by name; what could not be measured is null there.
    """

    service_day = models.DateField()
    route = models.CharField(max_length=200, blank=True)
    line = models.CharField(max_length=100, blank=True)
    figures = models.JSONField()
    computed_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["service_day", "route"], name="one_quality_a_day_and_line")
        ]

    def __str__(self) -> str:
        return f"{self.service_day} {self.line or 'all lines'}"
