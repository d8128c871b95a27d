"""What people are told, and by which channel it reached them."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Notification(models.Model):
    """Something a person was told, in their language at that time. The inbox shows it; channels carry copies.

    `made` is what makes its texts anew in another language (see `wording.py`); empty where they stay as they are: what
    was sent before there was such a thing, and what is nobody's translation.
    `key` is the sender's own name for it: sending the same key to the same person again does nothing.
    """

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="notifications", verbose_name=_("person")
    )
    title = models.CharField(_("title"), max_length=200)
    body = models.TextField(_("text"), blank=True)
    url = models.CharField(_("link"), max_length=500, blank=True)
    key = models.CharField(max_length=200, blank=True)
    language = models.CharField(_("language"), max_length=8)
    # With a default in the database: a process of the version before may still write while a city is upgraded.
    made = models.JSONField(_("how its texts are made"), default=dict, db_default={}, blank=True)
    sent_at = models.DateTimeField(_("sent"), auto_now_add=True)
    read_at = models.DateTimeField(_("read"), null=True, blank=True)

    class Meta:
        verbose_name = _("notification")
        verbose_name_plural = _("notifications")
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["person", "key"], condition=~models.Q(key=""), name="notified_once_a_key")
        ]
        indexes: ClassVar = [
            models.Index(fields=["person"], condition=models.Q(read_at=None), name="notification_unread")
        ]

    def __str__(self) -> str:
        return self.title


class PushSubscription(models.Model):
    """A browser that a person lets us push to (W3C Push API): where to post, and its keys (RFC 8291), base64url."""

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="push_subscriptions", verbose_name=_("person")
    )
    endpoint = models.CharField(max_length=1000, unique=True)
    p256dh = models.CharField(max_length=100)
    auth = models.CharField(max_length=50)
    made_at = models.DateTimeField(_("made"), auto_now_add=True)

    class Meta:
        verbose_name = _("push subscription")
        verbose_name_plural = _("push subscriptions")

    def __str__(self) -> str:
        return f"{self.person} {self.made_at:%Y-%m-%d}"


class Preference(models.Model):
    """Which channels a person wants. Without a row: all of them. The inbox itself cannot be switched off."""

    person = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        primary_key=True,
        related_name="notify_preference",
        verbose_name=_("person"),
    )
    email = models.BooleanField(_("by e-mail"), default=True)
    push = models.BooleanField(_("on this person's devices"), default=True)

    class Meta:
        verbose_name = _("channels wanted")
        verbose_name_plural = _("channels wanted")

    def __str__(self) -> str:
        return str(self.person)


class Delivery(models.Model):
    """A copy of a notification on its way by one channel, to one address. Sent once; a retry finds it sent."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        SENT = "sent", _("sent")
        GONE = "gone", _("address gone")
        FAILED = "failed", _("failed")

    notification = models.ForeignKey(Notification, models.CASCADE, related_name="deliveries")
    channel = models.CharField(_("channel"), max_length=20)
    subscription = models.ForeignKey(PushSubscription, models.SET_NULL, null=True, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    problem = models.CharField(_("problem"), max_length=300, blank=True)
    done_at = models.DateTimeField(_("done"), null=True, blank=True)

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")

    def __str__(self) -> str:
        return f"{self.notification_id} {self.channel}: {self.state}"
