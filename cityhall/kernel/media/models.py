"""What was uploaded."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Media(models.Model):
    """A file someone uploaded, made safe. The bytes lie under MEDIA_ROOT by their SHA-256, once however often stored.

    `sizes` are the widths in px of the thumbnails; `width` and `height` are 0 for what is no image.
    """

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="media",
        verbose_name=_("uploaded by"),
    )
    digest = models.CharField(max_length=64, db_index=True)
    content_type = models.CharField(_("type"), max_length=50)
    size = models.PositiveBigIntegerField(_("bytes"))
    width = models.PositiveIntegerField(default=0)
    height = models.PositiveIntegerField(default=0)
    sizes = models.JSONField(default=list)
    purpose = models.CharField(_("purpose"), max_length=50)
    public = models.BooleanField(_("anyone may see it"), default=False)
    stored_at = models.DateTimeField(_("stored"), auto_now_add=True)

    class Meta:
        verbose_name = _("uploaded file")
        verbose_name_plural = _("uploaded files")
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"{self.purpose} {self.pk}"
