"""Text messages that the city sends."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cityhall.services.safety.models.alerts import Alert, Line
from cityhall.services.safety.models.outgoing import Outgoing
from cityhall.services.safety.models.warnings import Warning, WarningFollower


class TextMessage(Outgoing):
    """A text message to whoever called or wants to be told. Number and words are made up when it is sent, of the rows
    that it names: neither is kept twice.
    """

    class Kind(models.TextChoices):
        RECEIVED = "received", pgettext_lazy("text message", "call received")
        REPLY = "reply", pgettext_lazy("text message", "answer of the desk")
        CONFIRM = "confirm", pgettext_lazy("text message", "code for a number")
        WARNING = "warning", pgettext_lazy("text message", "warning")

    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    alert = models.ForeignKey(Alert, models.CASCADE, null=True, related_name="texts")
    line = models.ForeignKey(Line, models.CASCADE, null=True, related_name="+")
    warning = models.ForeignKey(Warning, models.CASCADE, null=True, related_name="+")
    follower = models.ForeignKey(WarningFollower, models.CASCADE, null=True, related_name="+")

    class Meta:
        verbose_name = _("text message")
        verbose_name_plural = _("text messages")
        ordering: ClassVar = ["pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["warning", "follower"], name="warned_once"),
            models.UniqueConstraint(fields=["line", "alert"], name="line_texted_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["try_at"], condition=models.Q(state="waiting"), name="text_message_waiting")
        ]

    def __str__(self) -> str:
        return f"{self.pk} {self.kind}"
