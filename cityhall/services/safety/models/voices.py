"""Voice between whoever called and the desk."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cityhall.services.safety.models.alerts import Alert


class Voice(models.Model):
    """That a caller and an operator spoke, or tried to: who and when. Nothing that is said passes through the city.

    `offer` and `answer` are what the two browsers tell each other of themselves (SDP, RFC 8866); they hold network
    addresses, and are emptied when it is over. `hears`: what the desk says is played at the caller's.
    """

    class State(models.TextChoices):
        ASKED = "asked", pgettext_lazy("voice", "asking")
        RINGING = "ringing", pgettext_lazy("voice", "ringing")
        SPEAKING = "speaking", pgettext_lazy("voice", "speaking")
        ENDED = "ended", pgettext_lazy("voice", "ended")
        FAILED = "failed", pgettext_lazy("voice", "could not connect")

    alert = models.ForeignKey(Alert, models.CASCADE, related_name="voices")
    operator = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("operator")
    )
    state = models.CharField(_("state"), max_length=10, choices=State.choices)
    hears = models.BooleanField(default=True)
    offer = models.TextField(blank=True)
    answer = models.TextField(blank=True)
    asked_at = models.DateTimeField(_("asked"))
    began_at = models.DateTimeField(_("began"), null=True)
    ended_at = models.DateTimeField(_("ended"), null=True)

    class Meta:
        verbose_name = _("voice")
        verbose_name_plural = _("voices")
        ordering: ClassVar = ["pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["alert"], condition=models.Q(ended_at=None), name="one_voice_an_alert")
        ]

    def __str__(self) -> str:
        return f"{self.alert_id} {self.state}"
