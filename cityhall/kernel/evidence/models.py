"""What is kept as evidence, and the log of who had it.

`Evidence` and `Custody` may only be added to: the database refuses the rest (migration 0002, and the program's role).
They hold ids, hashes and moments. What must be forgettable, the name of a piece, the key that opens it and what
officers wrote, stands in `Seal` and `Note`, which the end of its retention deletes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar
from uuid import UUID

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cityhall.kernel.journal.log import new_id


class Evidence(models.Model):
    """One piece: bytes as they came, sealed in a file. `kind` is the slug of the service, a dot, its EvidenceKind's.

    `subject` is what it is about ("alert:12"), `scope` the part of the city it belongs to ("zone:centro"; "": none).
    `digest` is the SHA-256 of the original, `sealed_digest` that of the file, both in hex.
    """

    uid = models.UUIDField(unique=True, default=new_id)
    kind = models.CharField(_("kind"), max_length=100)
    subject = models.CharField(_("subject"), max_length=200, db_index=True)
    scope = models.CharField(max_length=100, blank=True)
    digest = models.CharField("SHA-256", max_length=64)
    sealed_digest = models.CharField(max_length=64)
    size = models.PositiveBigIntegerField(_("bytes"))
    kept_at = models.DateTimeField(_("kept"))

    class Meta:
        verbose_name = _("piece of evidence")
        verbose_name_plural = _("evidence")
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"

    def permission_scopes(self) -> Iterable[str]:
        """What a role may be held for to see it."""
        return (self.scope,) if self.scope else ()

    @property
    def ref(self) -> str:
        """What the journal and deadlines call it."""
        return f"evidence:{self.pk}"


class Seal(models.Model):
    """The key that opens a piece, and what the piece is called. Without this row nobody ever reads it again."""

    evidence = models.OneToOneField(Evidence, models.PROTECT, related_name="seal")
    key = models.BinaryField(max_length=32)
    name = models.CharField(_("name"), max_length=200)
    content_type = models.CharField(_("type"), max_length=100)
    keep_until = models.DateTimeField(_("kept until"))

    class Meta:
        verbose_name = _("seal")
        verbose_name_plural = _("seals")

    def __str__(self) -> str:
        return str(self.evidence_id)


class What(models.TextChoices):
    """What can happen to a piece."""

    RECEIVED = "received", pgettext_lazy("evidence", "received")
    VIEWED = "viewed", pgettext_lazy("evidence", "looked at")
    OPENED = "opened", pgettext_lazy("evidence", "opened")
    HANDED_OVER = "handed_over", pgettext_lazy("evidence", "handed over")
    EXPORTED = "exported", pgettext_lazy("evidence", "exported")
    PROLONGED = "prolonged", pgettext_lazy("evidence", "kept longer")
    ERASED = "erased", pgettext_lazy("evidence", "erased")


class Custody(models.Model):
    """One line of the log: what happened to a piece, when, by whom. `event` is the journal's event that says the same.

    `by` and `to` are actors as the journal has them ("person:12"); `to` is "outside" for somebody who has no account.
    """

    evidence = models.ForeignKey(Evidence, models.PROTECT, related_name="custody")
    at = models.DateTimeField()
    what = models.CharField(max_length=20, choices=What.choices)
    by = models.CharField(max_length=200)
    to = models.CharField(max_length=200, blank=True)
    event: models.Field[UUID, UUID] = models.UUIDField(unique=True)

    class Meta:
        verbose_name = _("line of custody")
        verbose_name_plural = _("custody")
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return f"{self.evidence_id} {self.what}"


class Note(models.Model):
    """What an officer wrote to a line: to whom outside it went, why it is kept longer."""

    custody = models.OneToOneField(Custody, models.PROTECT, related_name="note")
    text = models.CharField(_("note"), max_length=500)

    class Meta:
        verbose_name = _("note")
        verbose_name_plural = _("notes")

    def __str__(self) -> str:
        return str(self.custody_id)
