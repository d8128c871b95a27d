"""The jobs that carry notifications."""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from pathlib import Path
from smtplib import SMTPRecipientsRefused, SMTPResponseException

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from procrastinate import RetryStrategy

from cityhall.kernel.notify.mail import mail
from cityhall.kernel.notify.models import Delivery, Notification
from cityhall.kernel.notify.push import Gone, Refused, push
from cityhall.kernel.work.jobs import job

ATTEMPTS = 8
"""How often a delivery is tried again."""
MAIL_DAYS = 30
"""How long a city without a mail server keeps the mails that it wrote into its folder."""
KEEP_DAYS = 180
"""How long the inbox keeps what was read."""
log = logging.getLogger(__name__)


# 3, 9, 27 ... 6561 s, nearly three hours in all: a mail server that is away for an hour loses nothing.
@job("notify.deliver", twice=True, retry=RetryStrategy(max_attempts=ATTEMPTS, exponential_wait=3))
def deliver(delivery_id: int) -> None:
    """Carries one delivery. What it raises is tried again with growing pauses."""
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


def prune() -> None:
    """Every night: removes what was read over KEEP_DAYS ago, and mails that are kept as files after MAIL_DAYS."""
    with transaction.atomic():
        before = timezone.now() - timedelta(days=KEEP_DAYS)
        Notification.objects.filter(read_at__lt=before).delete()
    if settings.EMAIL_FILE_PATH:
        _forget_mails(Path(settings.EMAIL_FILE_PATH))


def _forget_mails(folder: Path) -> None:
    for path in folder.glob("*.log"):
        # Both are the machine's time.
        if time.time() - path.stat().st_mtime > MAIL_DAYS * 86_400:  # noqa: TID251
            path.unlink(missing_ok=True)
