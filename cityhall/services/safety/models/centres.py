"""Neighbouring control centres, and the alerts that were passed on to them or came from them."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cityhall.services.safety.models.alerts import Alert


class Centre(models.Model):
    """A centre to which alerts are passed on, as EIDO documents to `url`.

    `outgoing` is its token for us, sealed; `incoming` the hash of ours for it. `takes_unanswered`: what nobody here
    answers is passed on to it without anybody.
    """

    name = models.CharField(_("name"), max_length=100, unique=True)
    url = models.URLField(_("address"))
    outgoing = models.BinaryField(_("token, sealed"))
    incoming = models.BinaryField(max_length=32, unique=True)
    takes_unanswered = models.BooleanField(_("takes what nobody answers"), default=False)
    enabled = models.BooleanField(_("in service"), default=True)

    class Meta:
        verbose_name = _("neighbouring centre")
        verbose_name_plural = _("neighbouring centres")
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


class Passing(models.Model):
    """An alert that is passed on. It is ours until the other centre has acknowledged it.

    `reason` is why it was refused, or what stood in the way of its delivery. `by` None: the city did it by itself.
    """

    class State(models.TextChoices):
        QUEUED = "queued", pgettext_lazy("passed on", "not delivered yet")
        DELIVERED = "delivered", pgettext_lazy("passed on", "delivered, not acknowledged yet")
        ACKNOWLEDGED = "acknowledged", pgettext_lazy("passed on", "acknowledged: they have it")
        REFUSED = "refused", pgettext_lazy("passed on", "refused")
        FAILED = "failed", pgettext_lazy("passed on", "could not be delivered")

    alert = models.ForeignKey(Alert, models.CASCADE, related_name="passings")
    centre = models.ForeignKey(Centre, models.PROTECT, related_name="passings", verbose_name=_("centre"))
    state = models.CharField(_("state"), max_length=12, choices=State.choices, default=State.QUEUED)
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("who passed it on"),
    )
    at = models.DateTimeField(_("passed on"))
    delivered_at = models.DateTimeField(_("delivered"), null=True)
    answered_at = models.DateTimeField(_("answered"), null=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)

    class Meta:
        verbose_name = _("alert passed on")
        verbose_name_plural = _("alerts passed on")
        ordering: ClassVar = ["pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["alert", "centre"],
                condition=models.Q(state__in=["queued", "delivered", "acknowledged"]),
                name="passed_on_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.alert_id} {self.centre_id} {self.state}"


class Taken(models.Model):
    """An alert that another centre passed on to us, and what we have answered; `told_at`: they know."""

    class Answer(models.TextChoices):
        NONE = "", pgettext_lazy("taken", "not answered yet")
        ACKNOWLEDGED = "acknowledged", pgettext_lazy("taken", "acknowledged: we have it")
        REFUSED = "refused", pgettext_lazy("taken", "given back")

    alert = models.OneToOneField(Alert, models.CASCADE, primary_key=True, related_name="taken")
    centre = models.ForeignKey(Centre, models.PROTECT, related_name="taken", verbose_name=_("centre"))
    identifier = models.CharField(_("their incident"), max_length=200)
    answer = models.CharField(_("answer"), max_length=12, choices=Answer.choices, blank=True)
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    told_at = models.DateTimeField(_("answer delivered"), null=True)

    class Meta:
        verbose_name = _("alert of another centre")
        verbose_name_plural = _("alerts of other centres")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["centre", "identifier"], name="taken_once"),
        ]

    def __str__(self) -> str:
        return f"{self.alert_id} {self.centre_id}"
