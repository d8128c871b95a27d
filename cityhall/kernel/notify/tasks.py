"""The jobs that carry notifications."""

from __future__ import annotations

import logging
from datetime import timedelta
from smtplib import SMTPRecipientsRefused, SMTPResponseException

from django.db import close_old_connections, transaction
from django.utils import timezone
from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from cityhall.kernel.notify.mail import mail
from cityhall.kernel.notify.models import Delivery, Notification
from cityhall.kernel.notify.push import Gone, Refused, push

ATTEMPTS = 8
"""How often a delivery is tried again."""
KEEP_DAYS = 180
"""How long the inbox keeps what was read."""
log = logging.getLogger(__name__)


# 3, 9, 27 ... 6561 s, nearly three hours in all: a mail server that is away for an hour loses nothing.
@app.task(name="notify.deliver", retry=RetryStrategy(max_attempts=ATTEMPTS, exponential_wait=3))
def deliver(delivery_id: int) -> None:
    """Carries one delivery. What it raises is tried again with growing pauses."""
    try:
        _deliver(delivery_id)
    finally:
        close_old_connections()


def _deliver(delivery_id: int) -> None:
    delivery = (
        Delivery.objects.select_related("notification__person", "subscription")
        .filter(pk=delivery_id, state=Delivery.State.WAITING)
        .first()
    )
    if delivery is None:
        # Carried before, or its person has left the city.
        return
    delivery.attempts += 1
    try:
        _by_channel(delivery)
    except Gone:
        with transaction.atomic():
            _end(delivery, Delivery.State.GONE)
            if delivery.subscription:
                delivery.subscription.delete()
    except Exception as problem:
        if _for_good(problem):
            _end(delivery, Delivery.State.FAILED, problem)
        else:
            _again(delivery, problem)
            raise
    else:
        _end(delivery, Delivery.State.SENT)


def _by_channel(delivery: Delivery) -> None:
    if delivery.channel == "email":
        mail(delivery.notification)
    elif delivery.subscription is None:
        raise Gone
    else:
        push(delivery.subscription, delivery.notification)


def _for_good(problem: Exception) -> bool:
    """Whether trying again cannot help; a mail server's answer is permanent with 5yz (RFC 5321, section 4.2.1)."""
    if isinstance(problem, Refused):
        return True
    if isinstance(problem, SMTPRecipientsRefused):
        return all(code >= 500 for code, _text in problem.recipients.values())
    return isinstance(problem, SMTPResponseException) and problem.smtp_code >= 500


def _end(delivery: Delivery, state: Delivery.State, problem: Exception | None = None) -> None:
    delivery.state = state
    delivery.problem = str(problem or "")[:300]
    delivery.done_at = timezone.now()
    delivery.save(update_fields=["state", "attempts", "problem", "done_at"])


def _again(delivery: Delivery, problem: Exception) -> None:
    delivery.problem = f"{type(problem).__name__}: {problem}"[:300]
    last = delivery.attempts > ATTEMPTS
    if last:
        delivery.state, delivery.done_at = Delivery.State.FAILED, timezone.now()
        log.error("delivery %s given up: %s", delivery.pk, delivery.problem)
    delivery.save(update_fields=["state", "attempts", "problem", "done_at"])


@app.periodic(cron="17 3 * * *", periodic_id="notify.prune")
@app.task(name="notify.prune", queueing_lock="notify.prune", pass_context=False)
def prune(timestamp: int) -> None:
    """Removes what was read over KEEP_DAYS ago."""
    try:
        with transaction.atomic():
            before = timezone.now() - timedelta(days=KEEP_DAYS)
            Notification.objects.filter(read_at__lt=before).delete()
    finally:
        close_old_connections()
