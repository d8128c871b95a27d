"""What was set aside so that the others could go on."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class SetAside(models.Model):
    """An item that could not be done and was passed over: which work it was of, which one it is, and why.

    `work` is the name of what works through a queue ("transit.alarms"), `item` its own word for the item (an id).
    """

    work = models.CharField(pgettext_lazy("task", "work"), max_length=100)
    item = models.CharField(_("item"), max_length=200)
    problem = models.CharField(_("problem"), max_length=300)
    times = models.IntegerField(_("times"), default=1)
    last_at = models.DateTimeField(_("last"))

    class Meta:
        verbose_name = _("set aside")
        verbose_name_plural = _("set aside")
        constraints: ClassVar = [models.UniqueConstraint(fields=["work", "item"], name="set_aside_once")]
        indexes: ClassVar = [models.Index(fields=["last_at"], name="set_aside_last")]

    def __str__(self) -> str:
        return f"{self.work} {self.item}"
