"""What is kept beside the books: corrections that one officer asks for and another agrees to, why a hold was let go.

What officers write stands here and not in the journal, from which nothing can be taken out again.
"""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class State(models.TextChoices):
    """Where a correction stands."""

    ASKED = "asked", pgettext_lazy("correction", "waits for a second officer")
    DONE = "done", pgettext_lazy("correction", "done")
    REFUSED = "refused", pgettext_lazy("correction", "refused")


class Correction(models.Model):
    """A posting that is to be reversed, why, who asked and who decided.

    `forced`: what was taken back may leave a visible debt. `second`: it takes another officer, for it is above the
    city's limit. A posting has one that is asked for or done.
    """

    posting = models.UUIDField(_("posting"))
    reason = models.CharField(_("reason"), max_length=500)
    forced = models.BooleanField(default=False)
    second = models.BooleanField(default=False)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.ASKED)
    asker = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    asked_at = models.DateTimeField(_("asked"))
    decider = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    decided_at = models.DateTimeField(_("decided"), null=True)
    answer = models.CharField(_("answer"), max_length=500, blank=True)
    reversal = models.UUIDField(_("reversal"), null=True)

    class Meta:
        verbose_name = _("correction of the books")
        verbose_name_plural = _("corrections of the books")
        ordering: ClassVar = ["-asked_at", "-pk"]
        indexes: ClassVar = [models.Index(fields=["posting"], name="treasury_correction_posting")]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["posting"], condition=models.Q(state=State.ASKED), name="treasury_correction_asked"
            )
        ]

    def __str__(self) -> str:
        return f"{self.posting} {self.state}"

    @property
    def ref(self) -> str:
        """What the journal calls it."""
        return f"correction:{self.pk}"


class Release(models.Model):
    """Why an officer let a hold go."""

    hold = models.UUIDField(_("hold"), unique=True)
    reason = models.CharField(_("reason"), max_length=500)
    officer = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField(_("let go"))

    class Meta:
        verbose_name = _("hold that was let go")
        verbose_name_plural = _("holds that were let go")

    def __str__(self) -> str:
        return f"{self.hold}"
