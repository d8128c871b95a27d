"""What of a timetable people search and link to; the times themselves are arrays (see timetables.py)."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.indexes import GistIndex
from django.db import models
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.places.point import PointField


class FeedVersion(models.Model):
    """One loading of the city's GTFS feeds. At most one is in service; a refused one leaves it there."""

    class State(models.TextChoices):
        IN_SERVICE = "in_service", _("in service")
        RETIRED = "retired", _("retired")
        REFUSED = "refused", _("refused")

    digest = models.CharField(max_length=12)
    state = models.CharField(max_length=12, choices=State.choices)
    files = models.JSONField(default=list)
    report = models.JSONField(default=dict)
    first_day = models.DateField(null=True)
    last_day = models.DateField(null=True)
    loaded_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["state"], condition=models.Q(state="in_service"), name="one_feed_in_service"
            )
        ]

    def __str__(self) -> str:
        return f"{self.digest} ({self.get_state_display()})"


class Stop(models.Model):
    """A stop, platform or station of the feed in service. `row` is its place in the schedule's arrays."""

    version = models.ForeignKey(FeedVersion, on_delete=models.CASCADE, related_name="stops")
    row = models.PositiveIntegerField()
    gtfs_id = models.CharField(max_length=200)
    code = models.CharField(max_length=100, blank=True)
    name = models.CharField(max_length=300)
    point = PointField()
    wheelchair = models.SmallIntegerField(default=0)
    lines = models.JSONField(default=list, help_text=_("short names of the lines that call here"))

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["version", "gtfs_id"], name="stop_once")]
        indexes: ClassVar = [GistIndex(fields=["point"], name="stop_point")]

    def __str__(self) -> str:
        return self.name


class Line(models.Model):
    """A route of the feed in service: what riders call a line. `row` is its place in the schedule's arrays."""

    version = models.ForeignKey(FeedVersion, on_delete=models.CASCADE, related_name="lines")
    row = models.PositiveIntegerField()
    gtfs_id = models.CharField(max_length=200)
    short_name = models.CharField(max_length=100)
    long_name = models.CharField(max_length=300, blank=True)
    mode = models.CharField(max_length=20)
    color = models.CharField(max_length=6, blank=True)
    text_color = models.CharField(max_length=6, blank=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["version", "gtfs_id"], name="line_once")]
        ordering: ClassVar = ["row"]

    def __str__(self) -> str:
        return self.short_name
