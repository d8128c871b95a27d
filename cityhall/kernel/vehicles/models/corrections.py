"""Base stations, whose corrections make the vehicles' positions good to a few centimetres."""

from __future__ import annotations

from typing import ClassVar

from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.devices.models import Device
from cityhall.kernel.places.point import PointField

MOUNTPOINT = r"[A-Za-z0-9_.-]{1,100}"
"""What a mountpoint may be called (RTCM 10410.1, 3.5: no characters that a URL would have to escape)."""


class BaseStation(models.Model):
    """A GNSS receiver that stands still and tells by RTCM 3 what it measures.

    It sends its corrections to the caster with its device's id and key; where `source` names a mountpoint of another
    caster (ntrip://host:2101/MOUNT), the caster fetches them there, with `login` (sealed "user:password").
    """

    device = models.OneToOneField(Device, models.CASCADE, related_name="base_station")
    mountpoint = models.CharField(max_length=100, unique=True, validators=[RegexValidator(rf"^{MOUNTPOINT}\Z")])
    point = PointField()
    country = models.CharField(max_length=3, help_text=_("ISO 3166, three letters"))
    source = models.CharField(max_length=300, blank=True)
    login = models.BinaryField(editable=False, default=bytes)

    class Meta:
        db_table = "transit_basestation"
        ordering: ClassVar = ["mountpoint"]

    def __str__(self) -> str:
        return self.mountpoint


class StationState(models.Model):
    """What the caster last knew of a station. Unlogged; written every few seconds.

    `messages` counts by RTCM message number since the station connected; `rate` is in bytes a second.
    """

    station = models.OneToOneField(BaseStation, models.CASCADE, primary_key=True, related_name="state")
    connected_at = models.DateTimeField(null=True, help_text=_("None: it is not connected"))
    heard_at = models.DateTimeField(null=True)
    messages = models.JSONField(default=dict)
    rate = models.FloatField(default=0.0)
    malformed = models.BigIntegerField(default=0, help_text=_("bytes that were in no message"))
    readers = models.IntegerField(default=0)
    written_at = models.DateTimeField()

    class Meta:
        db_table = "transit_stationstate"
