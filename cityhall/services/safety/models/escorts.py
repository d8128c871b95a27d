"""Journeys that somebody has their own people follow."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cityhall.kernel.places.point import OptionalPointField
from cityhall.services.safety.models.alerts import Alert


class Escort(models.Model):
    """Somebody's way, followed by whoever has its link until `until`; with or without an account.

    `own` and `watch` are hashes of the codes of whoever goes and of who follows. `point` is the last place that their
    browser told: one, no track, and none once it is over. `calls`: the desk is to be called when they do not arrive.
    """

    class State(models.TextChoices):
        GOING = "going", pgettext_lazy("escort", "on the way")
        ARRIVED = "arrived", pgettext_lazy("escort", "has arrived")
        STOPPED = "stopped", pgettext_lazy("escort", "has ended it")
        OVERDUE = "overdue", pgettext_lazy("escort", "has not arrived")

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("who is on the way"),
    )
    name = models.CharField(_("name"), max_length=60, blank=True)
    own = models.BinaryField(unique=True, max_length=32)
    watch = models.BinaryField(unique=True, max_length=32)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.GOING)
    began_at = models.DateTimeField(_("began"))
    until = models.DateTimeField(_("until"))
    ended_at = models.DateTimeField(_("ended"), null=True)
    calls = models.BooleanField(_("the desk is called"), default=False)
    point = OptionalPointField(_("position"), null=True)
    accuracy_m = models.FloatField(_("accuracy of the position"), null=True)
    point_at = models.DateTimeField(_("time of the position"), null=True)
    alert = models.ForeignKey(Alert, models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        verbose_name = _("followed journey")
        verbose_name_plural = _("followed journeys")
        ordering: ClassVar = ["-pk"]

    def __str__(self) -> str:
        return f"{self.pk} {self.state}"


class EscortFollower(models.Model):
    """Somebody who is told of a way: an account, or an address. `code` is the hash of what opens it for them alone."""

    escort = models.ForeignKey(Escort, models.CASCADE, related_name="followers")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("who is told")
    )
    email = models.EmailField(_("e-mail address"), blank=True)
    language = models.CharField(_("language"), max_length=10, blank=True)
    code = models.BinaryField(null=True, unique=True, max_length=32)

    class Meta:
        verbose_name = _("follower of a journey")
        verbose_name_plural = _("followers of a journey")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["escort", "person"], name="follower_person"),
            models.UniqueConstraint(fields=["escort", "email"], condition=~models.Q(email=""), name="follower_email"),
        ]

    def __str__(self) -> str:
        return f"{self.escort_id} {self.pk}"
