"""What vehicles do on the network, and the calls and predictions that follow from that.

Timetable things are named by their GTFS ids, not by rows: a new feed renumbers the rows, and what was seen before it
must still be readable.
"""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.vehicles import models as places
from cityhall.kernel.vehicles.models import Vehicle
from cityhall.kernel.vehicles.models.fleet import VehicleStateQuerySet


class VehicleState(places.VehicleState):
    """Where a vehicle is, as the kernel keeps it, and what it is doing on the network. One row a vehicle, unlogged."""

    class Status(models.TextChoices):
        ON_ROUTE = "on_route", _("on its route")
        OFF_ROUTE = "off_route", _("off its route")
        WRONG_WAY = "wrong_way", _("going the wrong way")
        UNMATCHED = "unmatched", _("on no known trip")
        RECKONED = "reckoned", _("not heard for a moment; estimated")
        LOST = "lost", _("not heard any more")

    place = models.OneToOneField(
        places.VehicleState,
        models.CASCADE,
        parent_link=True,
        primary_key=True,
        related_name="driving",
        db_column="vehicle_id",
    )
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.UNMATCHED)
    route = models.CharField(max_length=200, blank=True)
    direction = models.SmallIntegerField(default=-1)
    trip = models.CharField(max_length=200, blank=True)
    service_day = models.DateField(null=True)
    along_m = models.FloatField(null=True, help_text=_("metres from the start of the trip's shape"))
    lateral_m = models.FloatField(null=True, help_text=_("metres to the left of the shape"))
    lane = models.SmallIntegerField(null=True, help_text=_("lanes from the kerb, 0 the nearest; None: not to be told"))
    next_sequence = models.IntegerField(null=True, help_text=_("place of the next stop in the trip, from 0"))
    at_stop = models.BooleanField(default=False)
    delay_s = models.IntegerField(null=True, help_text=_("late, or early where negative"))
    occupancy = models.SmallIntegerField(null=True, help_text=_("GTFS-Realtime OccupancyStatus"))
    line = models.CharField(max_length=100, blank=True)
    color = models.CharField(max_length=6, blank=True)

    objects = VehicleStateQuerySet["VehicleState"].as_manager()  # type: ignore[misc]

    class Meta:
        db_table = "transit_driving"

    def __str__(self) -> str:
        return f"{self.vehicle_id} {self.status}"


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
