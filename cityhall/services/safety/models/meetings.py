"""Where units meet buses under way."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from cityhall.kernel.places.point import PointField
from cityhall.services.safety.models.units import Assignment


class Meeting(models.Model):
    """Where the unit of an assignment is sent, as it was planned at the bus's newest position.

    `unit_at` and `bus_at` are when each is expected there, `chance` that the unit is first; `stop` is a GTFS id, "" for
    the last position of a bus that is chased. `seen_at` is when the bus was at the newest position that was looked at,
    `beside` how many in a row were beside its way.
    """

    class Kind(models.TextChoices):
        SURE = "sure", pgettext_lazy("meeting", "meets it")
        LIKELY = "likely", pgettext_lazy("meeting", "may meet it")
        OFF = "off", pgettext_lazy("meeting", "off its line")
        BEHIND = "behind", pgettext_lazy("meeting", "cannot be before it")

    assignment = models.OneToOneField(Assignment, models.CASCADE, primary_key=True, related_name="meeting")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    line = models.CharField(gettext_lazy("line"), max_length=100)
    stop = models.CharField(max_length=200, blank=True)
    stop_name = models.CharField(gettext_lazy("stop"), max_length=300, blank=True)
    point = PointField(gettext_lazy("position"))
    bus = PointField()
    unit_at = models.DateTimeField(null=True)
    bus_at = models.DateTimeField(null=True)
    chance = models.FloatField(default=0.0)
    seen_at = models.DateTimeField()
    beside = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name = gettext_lazy("meeting")
        verbose_name_plural = gettext_lazy("meetings")

    def __str__(self) -> str:
        return f"{self.assignment_id} {self.kind}"

    @property
    def is_chase(self) -> bool:
        """Whether the unit goes after the bus instead of before it."""
        return self.kind in (self.Kind.OFF, self.Kind.BEHIND)

    @property
    def words(self) -> str:
        """Where to, and why, as it is now, in the reader's language."""
        from cityhall.services.safety.intercepting import told

        if self.unit_at is None or self.bus_at is None:
            if self.kind == self.Kind.OFF:
                return _("off its line: chase the last position")
            return _("it cannot be before it: chase the last position")
        now = timezone.now()
        seconds, bus = ((at - now).total_seconds() for at in (self.unit_at, self.bus_at))
        return told(self.line, self.stop_name, seconds, bus, None if self.kind == self.Kind.SURE else self.chance)
