"""Cases, who works on them, and what was said about them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.cases.calendars import OFFICE, WorkingCalendar, city_calendar
from cityhall.kernel.cases.clock import Clock, Light
from cityhall.kernel.cases.workflow import OPEN, State


class Agency(models.Model):
    """A part of the city's administration that works on cases. What it leaves lying goes up to its `superior`."""

    slug = models.SlugField(max_length=50, unique=True)
    name = models.CharField(_("name"), max_length=200)
    superior = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, verbose_name=_("superior"))

    class Meta:
        verbose_name = _("agency")
        verbose_name_plural = _("agencies")
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def scope(self) -> str:
        """What a role is held for by those who work here."""
        return f"agency:{self.slug}"


class Case(models.Model):
    """Something that must be resolved. `kind` is the slug of the service whose case it is.

    `promised`, `used` and `since` are the SLA clock's (see clock.py); `due_at` follows from them: when it turns red.
    When it must be looked at next is a deadline (see watch.py). `level` counts what was told of lateness: 1 amber,
    2 red, more for each superior it went up to.
    """

    kind = models.CharField(max_length=50)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.NEW)
    agency = models.ForeignKey(Agency, models.PROTECT, related_name="cases", verbose_name=_("agency"))
    above = models.ForeignKey(
        Agency, models.SET_NULL, null=True, blank=True, related_name="escalated", verbose_name=_("escalated to")
    )
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="cases",
        verbose_name=_("officer"),
    )
    opened_at = models.DateTimeField(_("opened"))
    changed_at = models.DateTimeField(_("changed"))
    done_at = models.DateTimeField(_("done"), null=True, blank=True)
    calendar = models.CharField(max_length=20, default=OFFICE)
    promised = models.DurationField(_("promised within"))
    used = models.DurationField(default=timedelta)
    since = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(_("due"), null=True, blank=True)
    level = models.PositiveSmallIntegerField(default=0)
    in_time = models.BooleanField(null=True)
    reopened = models.PositiveSmallIntegerField(_("times reopened"), default=0)
    merged_into = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="merged")
    split_from = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="parts")

    class Meta:
        verbose_name = _("case")
        verbose_name_plural = _("cases")
        indexes: ClassVar = [
            # The open ones are few beside all there ever were.
            models.Index(fields=["agency", "due_at"], condition=models.Q(state__in=OPEN), name="case_inbox"),
            # In the order of the inbox, with what is counted there: neither sorts nor reads all that is open.
            models.Index(
                fields=["due_at", "-id"],
                include=["kind", "agency", "above", "assignee"],
                condition=models.Q(state__in=OPEN),
                name="case_due",
            ),
            models.Index(fields=["agency", "done_at"], condition=models.Q(in_time__isnull=False), name="case_in_time"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"

    def permission_scopes(self) -> Iterable[str]:
        """The agency's, and that of the superior it went up to."""
        yield self.agency.scope
        if self.above is not None:
            yield self.above.scope

    @property
    def clock(self) -> Clock:
        return Clock(self.promised, self.used, self.since)

    @property
    def working_calendar(self) -> WorkingCalendar:
        return city_calendar(settings.CITY, self.calendar)

    @property
    def is_open(self) -> bool:
        return self.state in OPEN

    def light(self, now: datetime) -> Light:
        """Green, amber or red."""
        return self.clock.light(self.working_calendar, now)


class Comment(models.Model):
    """Something said about a case: to the person who asked where it is `public`, else among officers.

    What is said stands here and not in the journal, which nothing can be erased from. `transition` names the step
    that it was the reason for.
    """

    case = models.ForeignKey(Case, models.CASCADE, related_name="comments")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="case_comments"
    )
    by_requester = models.BooleanField(default=False)
    public = models.BooleanField(default=False)
    text = models.TextField(_("text"))
    transition = models.CharField(max_length=20, blank=True)
    said_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return self.text[:50]
