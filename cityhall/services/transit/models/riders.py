"""What riders keep: favourites, trips they follow, alarms; and whose child is on which special-school bus."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.places.point import PointField
from cityhall.kernel.vehicles.models import Vehicle


class Favourite(models.Model):
    """A stop, a line or a journey that a person wants at hand."""

    class Kind(models.TextChoices):
        STOP = "stop", _("stop")
        LINE = "line", _("line")
        JOURNEY = "journey", _("journey")

    class Label(models.TextChoices):
        NONE = "", _("no label")
        HOME = "home", _("home")
        WORK = "work", _("work")

    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="transit_favourites")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    reference = models.CharField(max_length=200, help_text=_("GTFS id; a journey's ends as lon,lat;lon,lat"))
    name = models.CharField(max_length=300)
    label = models.CharField(max_length=10, choices=Label.choices, blank=True)
    added_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["kind", "added_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["person", "kind", "reference"], name="favourite_once_a_person")
        ]

    def __str__(self) -> str:
        return self.name


class WalkingWish(models.Model):
    """How fast a person goes on foot or in a wheelchair, and how far at a time: said once, kept for every search."""

    person = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="walking_wish")
    pace = models.CharField(max_length=10, blank=True, help_text=_("one of walking.PACES; empty: as is usual"))
    longest_m = models.PositiveIntegerField(null=True, help_text=_("the longest way on foot at a time, metres"))

    def __str__(self) -> str:
        return f"{self.person_id} {self.pace} {self.longest_m}"


class FollowedTrip(models.Model):
    """A journey that somebody is making. Whoever has its secret address may see and change it; no account is needed.

    `itinerary` is as itinerary.py gives it; where it breaks, another takes its place under the same address.
    """

    secret = models.CharField(max_length=43, unique=True)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="followed_trips")
    origin_name = models.CharField(max_length=200)
    goal_name = models.CharField(max_length=200)
    goal = PointField()
    wheelchair = models.BooleanField(default=False)
    prefer = models.CharField(max_length=20, default="fastest")
    pace = models.FloatField(default=1.33, help_text=_("on foot or in a wheelchair, metres a second"))
    longest_m = models.PositiveIntegerField(null=True, help_text=_("the longest way on foot at a time, metres"))
    itinerary = models.JSONField()
    leaves_at = models.DateTimeField()
    arrives_at = models.DateTimeField()
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["arrives_at"], name="followedtrip_arrives")]

    def __str__(self) -> str:
        return f"{self.pk} {self.leaves_at:%Y-%m-%d %H:%M}"


class LeaveAlarm(models.Model):
    """That a person wants to be told when to leave: for a trip they follow, or for one bus at one stop."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        TOLD = "told", _("told")
        CANCELLED = "cancelled", _("cancelled")
        LAPSED = "lapsed", _("lapsed")

    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="leave_alarms")
    followed = models.ForeignKey(FollowedTrip, models.CASCADE, null=True, related_name="alarms")
    service_day = models.DateField(null=True)
    trip = models.CharField(max_length=200, blank=True)
    sequence = models.IntegerField(null=True, help_text=_("place of the stop in the trip, from 0"))
    stop = models.CharField(max_length=200, blank=True)
    stop_name = models.CharField(max_length=300, blank=True)
    line = models.CharField(max_length=100, blank=True)
    walk_s = models.PositiveIntegerField(default=0, help_text=_("the way to the stop, seconds"))
    promised_at = models.DateTimeField(help_text=_("when to leave, as it was when the alarm was set or last told"))
    leave_at = models.DateTimeField(help_text=_("when to leave, by the latest prediction"))
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["leave_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["person", "service_day", "trip", "sequence"],
                condition=models.Q(state="waiting", followed=None),
                name="one_alarm_a_bus",
            ),
            models.UniqueConstraint(
                fields=["person", "followed"], condition=models.Q(state="waiting"), name="one_alarm_a_trip"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person_id} {self.leave_at:%Y-%m-%d %H:%M} {self.state}"


class Pupil(models.Model):
    """A child who rides a special-school bus: no more of them than the bus's arrival needs."""

    reference = models.CharField(_("reference"), max_length=100, help_text=_("a number or initials, not the full name"))
    vehicle = models.ForeignKey(Vehicle, models.CASCADE, related_name="pupils", verbose_name=_("bus"))
    stop_name = models.CharField(_("stop"), max_length=200)
    stop = PointField()
    school_name = models.CharField(_("school"), max_length=200)
    school = PointField()

    class Meta:
        ordering: ClassVar = ["reference"]

    def __str__(self) -> str:
        return self.reference


class Guardian(models.Model):
    """That somebody is responsible for a pupil, as an officer says. They see the bus once they agree to it.

    An invitation until it is accepted: without a person, with the address that it went to. After that without address.
    """

    pupil = models.ForeignKey(Pupil, models.CASCADE, related_name="guardians")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="pupils", null=True)
    email = models.EmailField(_("invited address"), blank=True)
    linked_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["pupil", "person"], name="guardian_once_a_pupil"),
            models.UniqueConstraint(
                fields=["pupil", "email"], condition=~models.Q(email=""), name="guardian_invited_once_a_pupil"
            ),
            models.CheckConstraint(
                condition=models.Q(person=None) ^ models.Q(email=""), name="guardian_person_or_address"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person_id or self.email} for {self.pupil_id}"
