"""The devices of a city, what is remembered of each from message to message, and what was not taken."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

PUBLIC_ID = r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}"
"""What a public id may look like: it is part of an MQTT topic, so it holds no "/", "+" or "#"."""


class Device(models.Model):
    """Something that sends signed messages: a bus, a sensor, a boat's tracker.

    `key` is its secret, encrypted at rest (see `keys.py`); `key_version` goes up when it is replaced. `owner` is the
    service whose doors it may use; `off_because` says why it is switched off. A device not heard of for `silence_after`
    seconds raises an alarm; 0: never.
    """

    public_id = models.CharField(_("id"), max_length=64, unique=True, validators=[RegexValidator(rf"^{PUBLIC_ID}\Z")])
    kind = models.CharField(_("kind"), max_length=50)
    label = models.CharField(_("label"), max_length=200, blank=True)
    owner = models.CharField(_("service"), max_length=50)
    key = models.BinaryField(editable=False)
    key_version = models.PositiveIntegerField(default=1, editable=False)
    enabled = models.BooleanField(_("enabled"), default=True)
    off_because = models.CharField(max_length=300, blank=True, editable=False)
    silence_after = models.PositiveIntegerField(_("alarm after silence of (s)"), default=0)
    properties = models.JSONField(_("properties"), default=dict, blank=True)
    registered_at = models.DateTimeField(_("registered"), auto_now_add=True)

    class Meta:
        verbose_name = _("device")
        verbose_name_plural = _("devices")
        ordering: ClassVar = ["public_id"]
        indexes: ClassVar = [models.Index(fields=["owner", "kind"], name="device_owner_kind")]

    def __str__(self) -> str:
        return self.label or self.public_id

    @property
    def last_seen(self) -> datetime | None:
        """When its last good envelope came; None before the first. `select_related("state")` where many are read."""
        state: DeviceState | None = getattr(self, "state", None)
        return state.last_seen if state else None


class DeviceState(models.Model):
    """What changes with every envelope, in a narrow row of its own: one update does for nonce and last seen.

    `highest` is the highest nonce taken, bit n of `seen` says whether `highest - n` was taken (n from 0 to 62).
    """

    device = models.OneToOneField(Device, models.CASCADE, primary_key=True, related_name="state")
    highest = models.BigIntegerField(default=0)
    seen = models.BigIntegerField(default=0)
    last_seen = models.DateTimeField(null=True)
    silent_since = models.DateTimeField(null=True)


class UrgentMessage(models.Model):
    """An urgent message, remembered for as long as its device, so that one that comes again is known again.

    `key` tells it from the device's others. `sent_at` is the device's own time, ms since 1970 UTC, `doubtful` where
    that is far from the city's. `times`: how often it came. `subject`: what it has become ("case:12").
    """

    device = models.ForeignKey(Device, models.CASCADE, verbose_name=_("device"), related_name="+")
    key = models.CharField(_("id"), max_length=64)
    kind = models.CharField(_("kind"), max_length=50)
    received_at = models.DateTimeField(_("received"))
    sent_at = models.BigIntegerField()
    doubtful = models.BooleanField(_("clock in doubt"), default=False)
    times = models.IntegerField(_("times sent"), default=1)
    subject = models.CharField(_("became"), max_length=100)

    class Meta:
        verbose_name = _("urgent message")
        verbose_name_plural = _("urgent messages")
        constraints: ClassVar = [models.UniqueConstraint(fields=["device", "key"], name="one_urgent_message")]

    def __str__(self) -> str:
        return f"{self.device_id} {self.key}"


class DropCount(models.Model):
    """How many messages were not taken on a day, and why. `device` is "" where nobody known signed them."""

    day = models.DateField(_("day"))
    device = models.CharField(_("device"), max_length=64, blank=True)
    reason = models.CharField(_("reason"), max_length=50)
    count = models.BigIntegerField(_("messages"), default=0)

    class Meta:
        verbose_name = _("messages dropped")
        verbose_name_plural = _("messages dropped")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["day", "device", "reason"], name="one_drop_count_a_day")
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.device or '?'} {self.reason}: {self.count}"
