"""Vehicles, their receivers, and where each vehicle is."""

from __future__ import annotations

from typing import ClassVar, Self, TypeVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.devices.models import Device
from cityhall.kernel.places.point import PointField
from cityhall.kernel.vehicles import kinds

PUBLIC_SQL = "(v.enabled AND v.kind = ANY(%(public_kinds)s))"
"""For statements: whether everybody may see the vehicle `v` now; `public_kinds` is a list of kinds.public_kinds()."""
State = TypeVar("State", bound="VehicleState", covariant=True)
WAS_PUBLIC_SQL = "NOT EXISTS (SELECT 1 FROM transit_vehicle v WHERE v.public_id = h.vehicle AND v.kind <> ALL(%s))"
"""For statements: whether everybody may see what is kept in `h` of a vehicle, in service or not; the same list."""


class VehicleQuerySet(models.QuerySet["Vehicle"]):
    """Vehicles."""

    def public(self) -> VehicleQuerySet:
        """Those that everybody may see: in service, and of a kind that is not hidden."""
        return self.filter(enabled=True, kind__in=kinds.public_kinds())

    def not_public(self) -> VehicleQuerySet:
        """All others."""
        return self.exclude(enabled=True, kind__in=kinds.public_kinds())


class Vehicle(models.Model):
    """A vehicle as its operator knows it. `public_id` is what riders and feeds see (GTFS-Realtime vehicle.id)."""

    public_id = models.CharField(max_length=100, unique=True)
    label = models.CharField(max_length=100, blank=True)
    kind = models.CharField(max_length=30, default=kinds.found_kind, help_text=_("as a service declares it"))
    wheelchair = models.BooleanField(null=True, help_text=_("None: not known"))
    capacity = models.PositiveSmallIntegerField(null=True)
    enabled = models.BooleanField(default=True)

    objects = VehicleQuerySet.as_manager()

    class Meta:
        db_table = "transit_vehicle"
        ordering: ClassVar = ["public_id"]

    def __str__(self) -> str:
        return self.label or self.public_id

    @property
    def hidden(self) -> bool:
        """Whether it must not be seen by the public, but only by those whom its service lets."""
        return self.kind not in kinds.public_kinds()

    @property
    def kind_name(self) -> str:
        """Its kind, in the reader's language."""
        return kinds.name_of(self.kind)


class Receiver(models.Model):
    """A GNSS receiver (NMEA 0183, UBX) or a tracker (all others): they cannot sign, so id and address bind them.

    A tracker's device has the id that its protocol says: its IMEI or number.
    """

    class Protocol(models.TextChoices):
        NMEA = "nmea", "NMEA 0183"
        UBX = "ubx", "UBX"
        GT06 = "gt06", "GT06"
        SUNTECH = "suntech", "Suntech"
        QUECLINK = "queclink", "Queclink"
        TELTONIKA = "teltonika", "Teltonika"
        JT808 = "jt808", "JT/T 808"
        WATCH = "watch", "SeTracker"
        H02 = "h02", "H02"
        TK103 = "tk103", "TK103"
        GOTOP = "gotop", "Gotop"
        ITS = "its", "AIS 140"
        TOPIN = "topin", "Topin"

    device = models.OneToOneField(Device, models.CASCADE, related_name="receiver")
    vehicle = models.ForeignKey(Vehicle, models.CASCADE, related_name="receivers")
    protocol = models.CharField(max_length=10, choices=Protocol.choices, default=Protocol.NMEA)
    address = models.CharField(max_length=50, help_text=_("IP address or network (CIDR) it may connect from"))
    corrections = models.BooleanField(default=False, help_text=_("may take RTCM from the caster"))

    class Meta:
        db_table = "transit_receiver"

    def __str__(self) -> str:
        return f"{self.device} ({self.address})"


class FixInbox(models.Model):
    """Fixes that came in through a process that does not track: the tracker takes them out. An unlogged table."""

    vehicle = models.CharField(max_length=100)
    device = models.CharField(max_length=64)
    fix = models.JSONField()
    received_at = models.DateTimeField()

    class Meta:
        db_table = "transit_fixinbox"


class VehicleStateQuerySet(models.QuerySet[State]):
    """Where vehicles are, and for a service's own model what they do there."""

    def public(self) -> Self:
        """Of vehicles that everybody may see: in service, and of a kind that is not hidden."""
        return self.filter(vehicle__enabled=True, vehicle__kind__in=kinds.public_kinds())


class VehicleState(models.Model):
    """Where a vehicle is, as the tracker last estimated it. One row a vehicle, unlogged.

    `memory` is the filter's own state: a tracker that starts anew goes on where the one before stopped. What a vehicle
    is doing there (its line, its trip, how late it is) its service keeps beside it.
    """

    class FixClass(models.IntegerChoices):
        """GGA quality (NMEA 0183, GGA field 6)."""

        NONE = 0, _("not known")
        SINGLE = 1, _("GPS")
        DGNSS = 2, _("DGNSS")
        RTK_FIXED = 4, _("RTK fixed")
        RTK_FLOAT = 5, _("RTK float")

    vehicle = models.OneToOneField(Vehicle, models.CASCADE, primary_key=True, related_name="state")
    at = models.DateTimeField(help_text=_("when the newest fix was measured"))
    published_at = models.DateTimeField()
    point = PointField(help_text=_("best estimate, on the route where the vehicle is on it"))
    measured = PointField(help_text=_("as the receiver said"))
    accuracy_m = models.FloatField(help_text=_("radius that holds the true place 95 times in 100"))
    fix_class = models.SmallIntegerField(choices=FixClass.choices, default=FixClass.NONE)
    bearing = models.FloatField(null=True)
    speed = models.FloatField(null=True, help_text=_("m/s"))
    memory = models.JSONField(default=dict)

    objects = VehicleStateQuerySet.as_manager()

    class Meta:
        db_table = "transit_vehiclestate"

    # No index but the key: every row changes every second, and a few thousand are read through faster than that.

    def __str__(self) -> str:
        return f"{self.vehicle_id} {self.point}"
