"""What whoever was harassed wants next, and what they tell."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cityhall.services.safety.models.alerts import Alert


class Choice(models.Model):
    """What whoever called wants next; they may change it, and the last one counts."""

    class What(models.TextChoices):
        REPORT = "report", pgettext_lazy("what next", "report it")
        SUPPORT = "support", pgettext_lazy("what next", "talk to somebody who helps")
        NOTHING = "nothing", pgettext_lazy("what next", "nothing")

    alert = models.ForeignKey(Alert, models.CASCADE, related_name="choices")
    what = models.CharField(_("what next"), max_length=10, choices=What.choices)
    at = models.DateTimeField(_("chosen"))

    class Meta:
        verbose_name = _("choice")
        verbose_name_plural = _("choices")
        ordering: ClassVar = ["pk"]

    def __str__(self) -> str:
        return f"{self.alert_id} {self.what}"


class Statement(models.Model):
    """What somebody says happened to them. Seen by nobody without `safety.read_statement`; theirs to take back."""

    alert = models.OneToOneField(Alert, models.CASCADE, primary_key=True, related_name="statement")
    text = models.TextField(_("text"))
    language = models.CharField(_("language"), max_length=10, blank=True)
    written_at = models.DateTimeField(_("written"))
    changed_at = models.DateTimeField(_("changed"), null=True)
    seen_at = models.DateTimeField(_("first read"), null=True)

    class Meta:
        verbose_name = _("statement")
        verbose_name_plural = _("statements")

    def __str__(self) -> str:
        return f"{self.alert_id}"
