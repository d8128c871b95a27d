"""The sandbox provider's own books: what a real one keeps on its own machines. Nothing of the city's reads them."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class SandboxPayment(models.Model):
    """A payment as the sandbox knows it. `facts` are those that it would tell whoever asks, oldest first."""

    ref = models.CharField(max_length=40, unique=True)
    key = models.UUIDField(unique=True)
    amount = models.BigIntegerField()
    unit = models.CharField(max_length=20)
    what = models.CharField(max_length=200)
    return_to = models.CharField(max_length=1000)
    state = models.CharField(max_length=12, default="open")
    card = models.CharField(max_length=4, blank=True)
    facts = models.JSONField(default=list)
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        verbose_name = _("payment of the sandbox")
        verbose_name_plural = _("payments of the sandbox")

    def __str__(self) -> str:
        return self.ref


class SandboxEvent(models.Model):
    """A webhook that the sandbox sends, or forgets to send: `copies` times, the first at `send_at`."""

    payment = models.ForeignKey(SandboxPayment, models.CASCADE, related_name="events")
    event_id = models.CharField(max_length=40, unique=True)
    body = models.TextField()
    copies = models.PositiveSmallIntegerField(default=1)
    sent = models.PositiveSmallIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(default=0)
    send_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("message of the sandbox")
        verbose_name_plural = _("messages of the sandbox")
        indexes: ClassVar = [
            models.Index(fields=["send_at"], condition=~models.Q(send_at=None), name="payments_sandbox_send")
        ]

    def __str__(self) -> str:
        return self.event_id
