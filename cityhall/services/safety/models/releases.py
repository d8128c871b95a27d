"""Figures that were published."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class Release(models.Model):
    """The public figures of a year: made once when it is over, and never again.

    Made anew after one more report, they would tell of that report by the difference.
    """

    year = models.PositiveSmallIntegerField(_("year"), unique=True)
    made_at = models.DateTimeField(_("made"))
    body = models.JSONField(_("figures"))

    class Meta:
        verbose_name = _("public figures")
        verbose_name_plural = _("public figures")
        ordering: ClassVar = ["-year"]

    def __str__(self) -> str:
        return str(self.year)
