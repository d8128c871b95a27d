"""What providers sent to the city's door, and what was refused there."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class Hook(models.Model):
    """A message that a provider has signed, each of its ids once. `said` is what of it counts; the rest is not kept."""

    provider = models.CharField(_("provider"), max_length=50)
    event_id = models.CharField(max_length=200)
    said = models.JSONField(default=list)
    heard_at = models.DateTimeField(_("heard"))
    done_at = models.DateTimeField(null=True)
    problem = models.CharField(max_length=200, blank=True)

    class Meta:
        verbose_name = _("message of a provider")
        verbose_name_plural = _("messages of providers")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["provider", "event_id"], name="payments_hook_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["id"], condition=models.Q(done_at=None), name="payments_hook_waits"),
            models.Index(fields=["heard_at"], name="payments_hook_heard"),
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.event_id}"


class HookRefusal(models.Model):
    """Messages that were not taken on a day (UTC), by provider and reason."""

    day = models.DateField(_("day"))
    provider = models.CharField(_("provider"), max_length=50)
    reason = models.CharField(_("reason"), max_length=50)
    count = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = _("refused messages")
        verbose_name_plural = _("refused messages")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["day", "provider", "reason"], name="payments_refusal_once"),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.provider} {self.reason}"


class BooksProof(models.Model):
    """What a night's comparison of bills and ledger found: how many faults, the first as [what, which, by how much]."""

    day = models.DateField(_("day"), unique=True)
    at = models.DateTimeField(_("compared"))
    faults = models.PositiveIntegerField(_("faults"))
    found = models.JSONField(default=list)

    class Meta:
        verbose_name = _("comparison of bills and ledger")
        verbose_name_plural = _("comparisons of bills and ledger")

    def __str__(self) -> str:
        return f"{self.day} {self.faults}"
