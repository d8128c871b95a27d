"""Statement files that were imported, and their entries that were booked: each once, whichever file has it."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class StatementFile(models.Model):
    """A file as it was imported. `unbooked` lists what was not booked and why, by entry and line, without persons."""

    digest = models.CharField(max_length=64)
    kind = models.CharField(_("kind"), max_length=20)
    message_id = models.CharField(max_length=35, blank=True)
    entries = models.PositiveIntegerField(_("entries"))
    booked = models.PositiveIntegerField(_("booked"), default=0)
    known = models.PositiveIntegerField(_("known before"), default=0)
    unbooked = models.JSONField(default=list)
    notes = models.JSONField(default=list)
    imported_at = models.DateTimeField(_("imported"))
    imported_by = models.CharField(max_length=200)
    whole = models.BooleanField(default=False)
    undone_at = models.DateTimeField(_("undone"), null=True)
    why = models.CharField(_("reason"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("statement file")
        verbose_name_plural = _("statement files")
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"{self.kind} {self.message_id}"

    @property
    def ref(self) -> str:
        """What the journal calls it."""
        return f"statementfile:{self.pk}"


class StatementEntry(models.Model):
    """An entry of a file: `key` tells it from every other (`engines/banking/keys.py`), `parts` it was booked in.

    `undone` counts how often its booking was undone: booked again it is another booking.
    """

    key = models.CharField(max_length=64, unique=True)
    file = models.ForeignKey(StatementFile, models.PROTECT, related_name="booked_entries")
    parts = models.PositiveIntegerField()
    undone = models.PositiveSmallIntegerField(default=0)
    is_booked = models.BooleanField(default=True)

    class Meta:
        verbose_name = _("entry of a statement file")
        verbose_name_plural = _("entries of statement files")

    def __str__(self) -> str:
        return self.key
