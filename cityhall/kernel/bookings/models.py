"""Resources, what is booked of them, who waits, and series.

Moments are whole seconds. A booking keeps what was agreed when it was made: buffers, until when it may be cancelled and
what a late cancellation means. A later change of the resource touches none.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

UNIT_S = 1 << 34
"""Seconds that a unit has for itself on the line of the exclusion constraint: from 1970 to the year 2514."""


class Limit(models.Model):
    """What a person may have at once of all the resources that share it: limits are of people, not of rooms.

    `open_most`: requested, held or confirmed and not over; `week_most`: that begin in one week (Monday to Sunday).
    None: as many as they like.
    """

    key = models.CharField(max_length=100, unique=True)
    open_most = models.PositiveIntegerField(_("open at once"), null=True, blank=True)
    week_most = models.PositiveIntegerField(_("in a week"), null=True, blank=True)

    def __str__(self) -> str:
        return self.key


class Approval(models.TextChoices):
    """Whether an officer decides. TAKE: a request takes its time at once; COMPETE: officers choose among requests."""

    NONE = "none", pgettext_lazy("booking", "confirmed at once")
    TAKE = "take", pgettext_lazy("booking", "an officer approves, the time is kept meanwhile")
    COMPETE = "compete", pgettext_lazy("booking", "officers choose among those who ask")


class Late(models.TextChoices):
    """What it means to cancel when it is too late to do so freely."""

    REFUSE = "refuse", pgettext_lazy("booking", "not possible")
    FEE = "fee", pgettext_lazy("booking", "possible, with a fee")


class Resource(models.Model):
    """Something that can be booked: a room, a machine, seats; or a headcount or a conflict group that others take of.

    `seats_most` is how many seats one booking may have (0: all of them).
    `key` is unique in the city ("house:hall-1"), `owner` the slug of the service whose it is. `grid_min`: a booking
    begins so many minutes, or a multiple, after the opening (0: at any second); with least = most = grid it has slots.
    `before_min` and `after_min` are kept free around each booking. `free_until_min` before its begin a booking may be
    cancelled freely; `late` says what is so later. `permission` (for `scope`) is what officers need who decide.
    `page` is where its owner shows a booking: a path of this city with `{booking}` in it.
    """

    key = models.CharField(_("resource"), max_length=100, unique=True)
    owner = models.CharField(max_length=50)
    name = models.CharField(_("name"), max_length=200)
    zone = models.CharField(_("time zone"), max_length=64, blank=True, help_text=_("empty: the city's"))
    capacity = models.PositiveIntegerField(_("seats"), default=1)
    seats_most = models.PositiveIntegerField(_("seats at once"), default=0)
    always_open = models.BooleanField(_("always open"), default=False)
    before_min = models.PositiveIntegerField(_("minutes kept free before"), default=0)
    after_min = models.PositiveIntegerField(_("minutes kept free after"), default=0)
    grid_min = models.PositiveIntegerField(_("grid in minutes"), default=0)
    least_min = models.PositiveIntegerField(_("shortest, minutes"), default=1)
    most_min = models.PositiveIntegerField(_("longest, minutes"), default=0)
    notice_min = models.PositiveIntegerField(_("notice in minutes"), default=0)
    ahead_days = models.PositiveIntegerField(_("days ahead"), default=0)
    approval = models.CharField(_("approval"), max_length=10, choices=Approval.choices, default=Approval.NONE)
    free_until_min = models.PositiveIntegerField(_("free to cancel until, minutes before"), default=0)
    late = models.CharField(_("late cancellation"), max_length=10, choices=Late.choices, default=Late.REFUSE)
    offer_min = models.PositiveIntegerField(_("minutes to take an offer"), default=30)
    limit = models.ForeignKey(Limit, models.SET_NULL, null=True, blank=True, related_name="resources")
    permission = models.CharField(max_length=100, blank=True)
    scope = models.CharField(max_length=100, blank=True)
    page = models.CharField(max_length=200, blank=True)
    keep_days = models.PositiveIntegerField(_("days kept"), default=365)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)

    class Meta:
        verbose_name = pgettext_lazy("booking", "resource")
        verbose_name_plural = pgettext_lazy("booking", "resources")
        ordering: ClassVar = ["name", "id"]

    def __str__(self) -> str:
        return self.name

    @property
    def ref(self) -> str:
        """What the journal and deadlines call it."""
        return f"resource:{self.pk}"

    def permission_scopes(self) -> Iterable[str]:
        """What a role may be held for to decide about it."""
        return (self.scope,) if self.scope else ()


class Unit(models.Model):
    """One of a resource's seats. Which one a booking has is nobody's business, and may change."""

    resource = models.ForeignKey(Resource, models.CASCADE, related_name="units")
    number = models.PositiveIntegerField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["resource", "number"], name="bookings_unit_number")]

    def __str__(self) -> str:
        return f"{self.resource_id}/{self.number}"


class Hours(models.Model):
    """Opening hours on a weekday (Monday is 0), in minutes of the wall clock since midnight; 1440 ends a day.

    They hold from `since` until before `until`, None for always.
    """

    resource = models.ForeignKey(Resource, models.CASCADE, related_name="hours")
    weekday = models.PositiveSmallIntegerField()
    opens = models.PositiveSmallIntegerField()
    closes = models.PositiveSmallIntegerField()
    since = models.DateField(null=True, blank=True)
    until = models.DateField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(weekday__lt=7, opens__lt=models.F("closes"), closes__lte=1440),
                name="bookings_hours_of_a_day",
            )
        ]

    def __str__(self) -> str:
        return f"{self.resource_id} {self.weekday} {self.opens}-{self.closes}"


class SpecialDay(models.Model):
    """A day with other hours than its weekday's: `spans` is [[opens, closes], ...] in minutes, [] for closed."""

    resource = models.ForeignKey(Resource, models.CASCADE, related_name="special_days")
    day = models.DateField(_("day"))
    spans = models.JSONField(default=list)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["resource", "day"], name="bookings_special_day")]

    def __str__(self) -> str:
        return f"{self.resource_id} {self.day}"


class Also(models.Model):
    """Whoever books `resource` takes `seats` of `takes` as well: a headcount, a hazard that one may have at a time.

    `per_seat`: as many for each seat that is booked.
    """

    resource = models.ForeignKey(Resource, models.CASCADE, related_name="also")
    takes = models.ForeignKey(Resource, models.PROTECT, related_name="taken_by")
    seats = models.PositiveIntegerField(default=1)
    per_seat = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["resource", "takes"], name="bookings_also_once")]

    def __str__(self) -> str:
        return f"{self.resource_id} {self.takes_id}"


class State(models.TextChoices):
    """What a booking is."""

    HELD = "held", pgettext_lazy("booking", "held")
    REQUESTED = "requested", pgettext_lazy("booking", "requested")
    CONFIRMED = "confirmed", pgettext_lazy("booking", "confirmed")
    CANCELLED = "cancelled", pgettext_lazy("booking", "cancelled")
    REFUSED = "refused", pgettext_lazy("booking", "refused")
    EXPIRED = "expired", pgettext_lazy("booking", "expired")
    NO_SHOW = "no_show", pgettext_lazy("booking", "nobody came")


LIVE = (State.HELD, State.REQUESTED, State.CONFIRMED)


class Booking(models.Model):
    """Resources, one or several, given to somebody from `begin` to `end`.

    `key` is its idempotency key. `person` is None for the house itself and for who was erased. `about` is what the
    owner's service calls it ("course:12"). `free_until`, `late` are the rules of cancelling that were agreed;
    `fee_due`: it was cancelled late, or nobody came, where that costs a fee. `sequence` counts changes (RFC 5545).
    """

    key = models.UUIDField(unique=True)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="bookings",
        verbose_name=_("person"),
    )
    state = models.CharField(_("state"), max_length=10, choices=State.choices)
    begin = models.DateTimeField(_("begin"))
    end = models.DateTimeField(_("end"))
    note = models.CharField(_("note"), max_length=500, blank=True)
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    about = models.CharField(max_length=200, blank=True)
    made_at = models.DateTimeField(_("made"))
    changed_at = models.DateTimeField(_("changed"))
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    free_until = models.DateTimeField(_("free to cancel until"))
    late = models.CharField(_("late cancellation"), max_length=10, choices=Late.choices)
    fee_due = models.BooleanField(_("fee due"), default=False)
    sequence = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = pgettext_lazy("booking", "booking")
        verbose_name_plural = pgettext_lazy("booking", "bookings")
        indexes: ClassVar = [
            models.Index(fields=["person", "begin"], name="bookings_of_person"),
            models.Index(fields=["end"], name="bookings_end"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(begin__lt=models.F("end")), name="bookings_begin_end")
        ]

    def __str__(self) -> str:
        return self.ref

    @property
    def ref(self) -> str:
        """What the journal and deadlines call it."""
        return f"booking:{self.pk}"

    @property
    def is_live(self) -> bool:
        """Whether it is requested, held or confirmed."""
        return self.state in LIVE

    def is_over(self, now: datetime) -> bool:
        """Whether its time is past."""
        return self.end <= now


class Part(models.Model):
    """What a booking has of one resource, with the buffers that it was made with.

    `begins` and `ends` are Unix seconds, buffers included. `asked`: it was asked for, not taken along (see Also).
    `live`: its seats are taken now.
    """

    booking = models.ForeignKey(Booking, models.CASCADE, related_name="parts")
    resource = models.ForeignKey(Resource, models.PROTECT, related_name="parts")
    seats = models.PositiveIntegerField(_("seats"))
    begins = models.BigIntegerField()
    ends = models.BigIntegerField()
    asked = models.BooleanField(default=True)
    live = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["booking", "resource"], name="bookings_part_once"),
            models.CheckConstraint(
                condition=models.Q(begins__gte=0, begins__lt=models.F("ends"), ends__lt=UNIT_S, seats__gt=0),
                name="bookings_part_span",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.booking_id} {self.resource_id}"


class Taken(models.Model):
    """A seat that is taken from `begins` until before `ends` (Unix seconds, buffers included).

    The exclusion constraint of migration 0002 lets no two of one unit overlap, whoever writes them.
    """

    part = models.ForeignKey(Part, models.CASCADE, related_name="taken")
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="taken", db_index=False)
    begins = models.BigIntegerField()
    ends = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                # Beyond this a span would lie on the next unit's part of the line.
                condition=models.Q(begins__gte=0, begins__lt=models.F("ends"), ends__lt=UNIT_S),
                name="bookings_taken_span",
            )
        ]

    def __str__(self) -> str:
        return f"{self.unit_id} {self.begins}-{self.ends}"


class WaitState(models.TextChoices):
    """What became of somebody who waits."""

    WAITING = "waiting", pgettext_lazy("booking", "waiting")
    OFFERED = "offered", pgettext_lazy("booking", "offered")
    TAKEN = "taken", pgettext_lazy("booking", "taken")
    PASSED = "passed", pgettext_lazy("booking", "passed over")
    LEFT = "left", pgettext_lazy("booking", "no longer waiting")


class Waiting(models.Model):
    """Somebody who waits for an interval, in the order of their numbers. `booking` is the hold that was offered."""

    key = models.UUIDField(unique=True)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="waiting_for", verbose_name=_("person")
    )
    state = models.CharField(_("state"), max_length=10, choices=WaitState.choices, default=WaitState.WAITING)
    begin = models.DateTimeField(_("begin"))
    end = models.DateTimeField(_("end"))
    booking = models.OneToOneField(Booking, models.SET_NULL, null=True, blank=True, related_name="waited")
    why = models.CharField(max_length=50, blank=True)
    joined_at = models.DateTimeField(_("waiting since"))

    class Meta:
        verbose_name = pgettext_lazy("booking", "place on the waiting list")
        verbose_name_plural = pgettext_lazy("booking", "waiting list")
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return self.ref

    @property
    def ref(self) -> str:
        """What the journal calls it."""
        return f"waiting:{self.pk}"


class Wish(models.Model):
    """A resource that somebody waits for; `asked` as in Part."""

    waiting = models.ForeignKey(Waiting, models.CASCADE, related_name="wishes")
    resource = models.ForeignKey(Resource, models.CASCADE, related_name="wishes")
    seats = models.PositiveIntegerField()
    asked = models.BooleanField(default=True)

    def __str__(self) -> str:
        return f"{self.waiting_id} {self.resource_id}"


class Series(models.Model):
    """Bookings by a rule: RFC 5545's RRULE over the wall clock of `zone`, from `first` on, each `minutes` long there.

    `wanted` is [[resource, seats], ...].
    """

    key = models.UUIDField(unique=True)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="series",
        verbose_name=_("person"),
    )
    wanted = models.JSONField()
    rule = models.CharField(_("rule"), max_length=200)
    zone = models.CharField(_("time zone"), max_length=64)
    day = models.DateField(_("first day"))
    opens = models.PositiveSmallIntegerField()
    minutes = models.PositiveIntegerField()
    note = models.CharField(_("note"), max_length=500, blank=True)
    about = models.CharField(max_length=200, blank=True)
    made_at = models.DateTimeField(_("made"))
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    class Meta:
        verbose_name = pgettext_lazy("booking", "series")
        verbose_name_plural = pgettext_lazy("booking", "series of bookings")

    def __str__(self) -> str:
        return self.ref

    @property
    def ref(self) -> str:
        """What the journal calls it."""
        return f"series:{self.pk}"


class Occurrence(models.Model):
    """A day of a series: its booking, or why (`refused`, an error's code) it could not be had.

    `alone`: it was changed or cancelled by itself, and an edit of the series leaves it as it is.
    """

    series = models.ForeignKey(Series, models.CASCADE, related_name="occurrences")
    day = models.DateField(_("day"))
    booking = models.OneToOneField(Booking, models.SET_NULL, null=True, blank=True, related_name="occurrence")
    refused = models.CharField(_("reason"), max_length=50, blank=True)
    alone = models.BooleanField(default=False)

    class Meta:
        ordering: ClassVar = ["day"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["series", "day"], name="bookings_occurrence_day")]

    def __str__(self) -> str:
        return f"{self.series_id} {self.day}"


class Feed(models.Model):
    """A person's calendar under a private address; what is kept of its secret is its hash."""

    person = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="bookings_feed", verbose_name=_("person")
    )
    secret = models.BinaryField(max_length=32, unique=True)
    made_at = models.DateTimeField(_("made"))

    def __str__(self) -> str:
        return str(self.person_id)
