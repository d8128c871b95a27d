"""State. Devices and cases are the kernel's; here stands what this service knows of them."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from cityhall.kernel.cases.models import Case
from cityhall.kernel.devices.models import Device
from cityhall.kernel.places.point import PointField


class Pole(models.Model):
    """A pole on the beach with a button."""

    device = models.OneToOneField(Device, models.CASCADE, related_name="+")
    name = models.CharField(max_length=100)
    point = PointField()

    def __str__(self) -> str:
        return self.name


class Patrol(models.Model):
    """A beacon and the lifeguard who carries it. `point` and `seen_at` are None while nobody does."""

    device = models.OneToOneField(Device, models.CASCADE, related_name="+")
    name = models.CharField(max_length=100)
    guard = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    point = PointField(null=True)
    seen_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name


class Alarm(models.Model):
    """Somebody pressed the button of a pole. Its case says how it stands and who works on it."""

    case = models.OneToOneField(Case, models.CASCADE, primary_key=True)
    pole = models.ForeignKey(Pole, models.CASCADE)
    answered_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.pole} {self.pk}"
