"""Warnings to everybody, in the terms of the Common Alerting Protocol (OASIS CAP 1.2, section 3.2)."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cityhall.kernel.devices.models import Device
from cityhall.kernel.places.point import OptionalPointField


class Warning(models.Model):
    """A warning: drafted by one, released by another. `xml` is what was released, to the byte, and `sent_at` its time.

    `replaces` is what an update or a cancellation is of; that one is over when this is released.
    """

    class State(models.TextChoices):
        DRAFT = "draft", pgettext_lazy("warning", "draft")
        RELEASED = "released", pgettext_lazy("warning", "released")
        OVER = "over", pgettext_lazy("warning", "over")
        DROPPED = "dropped", pgettext_lazy("warning", "thrown away")

    class Type(models.TextChoices):
        ALERT = "Alert", pgettext_lazy("warning", "new warning")
        UPDATE = "Update", pgettext_lazy("warning", "update")
        CANCEL = "Cancel", pgettext_lazy("warning", "cancellation")

    class Category(models.TextChoices):
        MET = "Met", _("weather")
        GEO = "Geo", _("earth and landslides")
        SAFETY = "Safety", _("public safety")
        FIRE = "Fire", _("fire")
        HEALTH = "Health", _("health")
        ENV = "Env", _("environment")
        TRANSPORT = "Transport", _("transport")
        INFRA = "Infra", _("water, power, telephone")
        OTHER = "Other", pgettext_lazy("category", "other")

    class Urgency(models.TextChoices):
        IMMEDIATE = "Immediate", _("act at once")
        EXPECTED = "Expected", _("act within the hour")
        FUTURE = "Future", _("act soon")

    class Severity(models.TextChoices):
        EXTREME = "Extreme", _("extreme")
        SEVERE = "Severe", _("severe")
        MODERATE = "Moderate", _("moderate")
        MINOR = "Minor", _("minor")

    class Certainty(models.TextChoices):
        OBSERVED = "Observed", _("it happens")
        LIKELY = "Likely", _("likely")
        POSSIBLE = "Possible", _("possible")

    identifier = models.CharField(max_length=60, unique=True)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.DRAFT)
    type = models.CharField(max_length=10, choices=Type.choices, default=Type.ALERT)
    replaces = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="replaced_by")
    category = models.CharField(_("category"), max_length=12, choices=Category.choices)
    urgency = models.CharField(_("urgency"), max_length=12, choices=Urgency.choices)
    severity = models.CharField(_("severity"), max_length=12, choices=Severity.choices)
    certainty = models.CharField(_("certainty"), max_length=12, choices=Certainty.choices)
    headlines = models.JSONField(_("headline"), default=dict)
    texts = models.JSONField(_("what happens"), default=dict)
    instructions = models.JSONField(_("what to do"), default=dict)
    area = models.CharField(_("area"), max_length=200)
    center = OptionalPointField(null=True)
    radius_m = models.PositiveIntegerField(_("radius, m"), null=True)
    expires_at = models.DateTimeField(_("until"))
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    releaser = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    drafted_at = models.DateTimeField()
    sent_at = models.DateTimeField(_("released"), null=True)
    xml = models.BinaryField(null=True)
    told = models.PositiveIntegerField(_("people told"), default=0)

    class Meta:
        verbose_name = _("warning")
        verbose_name_plural = _("warnings")
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["replaces"], condition=models.Q(state="released"), name="one_warning_replaces"
            ),
        ]

    def __str__(self) -> str:
        return self.identifier


class WarningFollower(models.Model):
    """Somebody who wants to be told of warnings: of all, or of those for a place.

    By text message too, where they gave a number and a code that was sent to it came back: `phone_at` is when that code
    was asked for, `phone_tries` how often a wrong one was typed in, `confirmed_at` when the right one was.
    """

    person = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    point = OptionalPointField(null=True)
    # With defaults in the database: a process of the version before may still write while a city is upgraded.
    phone = models.CharField(_("telephone"), max_length=30, blank=True, default="", db_default="")
    phone_at = models.DateTimeField(null=True)
    phone_tries = models.PositiveSmallIntegerField(default=0, db_default=0)
    confirmed_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("follower of warnings")
        verbose_name_plural = _("followers of warnings")

    def __str__(self) -> str:
        return str(self.person_id)


class WarningSource(models.Model):
    """Another system whose warnings the city hears: `device` is its id and key, `certificate` who signs them (PEM)."""

    device = models.OneToOneField(Device, models.CASCADE, related_name="warning_source")
    name = models.CharField(_("name"), max_length=100)
    certificate = models.TextField(_("certificate"), blank=True)

    class Meta:
        verbose_name = _("source of warnings")
        verbose_name_plural = _("sources of warnings")
        ordering: ClassVar = ["name", "pk"]

    def __str__(self) -> str:
        return self.name


class WarningHeard(models.Model):
    """A message of a source, by what makes it the only one: what it became, or `why` nothing."""

    class Why(models.TextChoices):
        NOT_ACTUAL = "not_actual", pgettext_lazy("warning heard", "an exercise or a test")
        NOT_PUBLIC = "not_public", pgettext_lazy("warning heard", "not for everybody")
        NO_WARNING = "no_warning", pgettext_lazy("warning heard", "no warning but an answer to one")
        OVER = "over", pgettext_lazy("warning heard", "over already")
        ELSEWHERE = "elsewhere", pgettext_lazy("warning heard", "for another place")
        OF_NONE = "of_none", pgettext_lazy("warning heard", "takes back what is not here")

    source = models.ForeignKey(WarningSource, models.CASCADE, related_name="heard")
    sender = models.CharField(max_length=200)
    identifier = models.CharField(max_length=200)
    sent_at = models.DateTimeField()
    type = models.CharField(max_length=10)
    signed = models.BooleanField(_("signed"), default=False)
    warning = models.ForeignKey(Warning, models.SET_NULL, null=True, related_name="heard")
    why = models.CharField(max_length=10, choices=Why.choices, blank=True)
    heard_at = models.DateTimeField()

    class Meta:
        verbose_name = _("warning that was heard")
        verbose_name_plural = _("warnings that were heard")
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["source", "sender", "identifier", "sent_at"], name="warning_heard_once")
        ]

    def __str__(self) -> str:
        return self.identifier
