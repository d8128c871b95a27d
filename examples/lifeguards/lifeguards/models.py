"""State. Devices and cases are the kernel's; here stands what this service knows of them."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.utils import timezone

from cityhall.kernel.cases.models import Case
from cityhall.kernel.devices.models import Device
from cityhall.kernel.places.point import PointField

ANSWER_IN = timedelta(seconds=60)


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


class Beach(models.Model):
    """A beach that people bathe at; `closed_at` is None while they may."""

    name = models.CharField(max_length=100, unique=True)
    point = PointField()
    closed_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name


class Follow(models.Model):
    """Somebody wants to be told when a beach is closed and when it is open again."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    beach = models.ForeignKey(Beach, models.CASCADE)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("person", "beach"), name="one_follow_of_a_beach"),)

    def __str__(self) -> str:
        return f"{self.person_id} {self.beach_id}"


class Alarm(models.Model):
    """Somebody pressed the button of a pole. Its case says how it stands and who works on it."""

    case = models.OneToOneField(Case, models.CASCADE, primary_key=True)
    pole = models.ForeignKey(Pole, models.CASCADE)
    answered_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.pole} {self.pk}"

    @property
    def left_s(self) -> int | None:
        """Seconds in which it should still be answered, negative when that is over; None when it is answered."""
        if self.answered_at:
            return None
        return round((self.case.opened_at + ANSWER_IN - timezone.now()).total_seconds())
