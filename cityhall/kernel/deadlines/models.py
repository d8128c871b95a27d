"""What must be done at a moment, unless it is cleared before."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class Deadline(models.Model):
    """One moment of a subject ("case:12"). It is there while it waits: what was done or cleared has no row.

    `kind` is the slug of the service or room, a dot, and that of its DeadlineKind. A subject may have several of a
    kind, by `level`. `next_at` is `due_at`, or later once its action has failed `attempts` times, last with `problem`.
    `version` counts how often it was set, so that one that is moved while it is acted on is noticed. `data` holds ids
    and numbers, never what tells of a person.
    """

    kind = models.CharField(_("kind"), max_length=100)
    subject = models.CharField(_("subject"), max_length=200)
    level = models.PositiveSmallIntegerField(_("level"), default=0)
    due_at = models.DateTimeField(_("due"))
    next_at = models.DateTimeField(_("tried next"))
    version = models.IntegerField(default=0)
    attempts = models.IntegerField(_("failed attempts"), default=0)
    problem = models.CharField(_("problem"), max_length=300, blank=True)
    data = models.JSONField(default=dict)

    class Meta:
        verbose_name = _("deadline")
        verbose_name_plural = _("deadlines")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["kind", "subject", "level"], name="deadline_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["kind", "next_at"], name="deadline_next"),
            # Few, and looked for by whoever looks after the city.
            models.Index(fields=["kind"], condition=models.Q(attempts__gt=0), name="deadline_failing"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject} {self.level}"
