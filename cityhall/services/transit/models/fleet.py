"""The calls and predictions that follow from where the vehicles are.

Timetable things are named by their GTFS ids, not by rows: a new feed renumbers the rows, and what was seen before it
must still be readable.
"""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.vehicles.models import Vehicle


class StopCall(models.Model):
    """A vehicle's call at a stop, as it was seen: what predictions learn from and quality is measured by."""

    service_day = models.DateField()
    trip = models.CharField(max_length=200)
    sequence = models.IntegerField(help_text=_("place in the trip, from 0"))
    stop = models.CharField(max_length=200)
    route = models.CharField(max_length=200)
    direction = models.SmallIntegerField(default=-1)
    vehicle = models.CharField(max_length=100)
    arrived_at = models.DateTimeField()
    departed_at = models.DateTimeField(null=True)
    scheduled_arrival = models.DateTimeField()
    scheduled_departure = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["service_day", "trip", "sequence"], name="stop_called_at_once")
        ]
        indexes: ClassVar = [models.Index(fields=["route", "service_day"], name="stopcall_route_day")]

    def __str__(self) -> str:
        return f"{self.service_day} {self.trip} {self.sequence}"


class TripPredictionQuerySet(models.QuerySet["TripPrediction"]):
    """What is expected of trips."""

    def public(self) -> TripPredictionQuerySet:
        """Of trips that no vehicle drives which not everybody may see."""
        return self.exclude(vehicle__in=Vehicle.objects.not_public().values("public_id"))


class TripPrediction(models.Model):
    """When a trip under way, or the next of its block, comes to each stop still before it. Unlogged.

    The arrays have one element a stop, from `first_sequence` to the trip's last; times are Unix seconds. `low` and
    `high` are the bounds of an interval that holds the arrival eight times in ten.
    """

    service_day = models.DateField()
    trip = models.CharField(max_length=200)
    route = models.CharField(max_length=200)
    vehicle = models.CharField(max_length=100)
    first_sequence = models.IntegerField()
    arrival = ArrayField(models.BigIntegerField())
    departure = ArrayField(models.BigIntegerField())
    low = ArrayField(models.BigIntegerField())
    high = ArrayField(models.BigIntegerField())
    made_at = models.DateTimeField()

    objects = TripPredictionQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["service_day", "trip"], name="one_prediction_a_trip")]

    def __str__(self) -> str:
        return f"{self.service_day} {self.trip}"
