"""What is on its way out of the city: rows, so that nothing is lost with a process, and each has its own next time."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Outgoing(models.Model):
    """Something to be sent. `try_at` is when it may be tried (again): also how long whoever sends it now has it alone.

    `problem` is why the last try failed, in a word of the program's or the other side's status: no address, no text.
    """

    class State(models.TextChoices):
        WAITING = "waiting", pgettext_lazy("message", "waiting")
        SENT = "sent", pgettext_lazy("message", "sent")
        TAKEN = "taken", pgettext_lazy("message", "fetched")
        FAILED = "failed", pgettext_lazy("message", "failed")

    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.WAITING)
    made_at = models.DateTimeField(_("made"))
    try_at = models.DateTimeField()
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    problem = models.CharField(_("problem"), max_length=100, blank=True)
    done_at = models.DateTimeField(_("done"), null=True)

    class Meta:
        abstract = True
