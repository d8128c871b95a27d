"""Letters that a job sends: once, though the job may run twice."""

from __future__ import annotations

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction

from cityhall.kernel.errors import TooMany
from cityhall.kernel.limits.sources import pseudonym
from cityhall.kernel.limits.spending import spend

KNOWN_S = 8 * 86_400
"""So long a letter that went is known: longer than a job is tried again and taken up."""


def name(letter: EmailMessage, key: str) -> None:
    """Gives a letter the Message-ID of its key: a mailbox that gets it twice after all can tell that it is one."""
    domain = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].strip("<> ") or "localhost"
    letter.extra_headers["Message-ID"] = f"<{pseudonym(f'letter {key}')}@{domain}>"


def send_once(letter: EmailMessage, key: str) -> None:
    """Sends a letter, unless that of this key went in the last days. Raises OSError or smtplib's errors as `send` does.

    Killed between the mail server's yes and its own word it sends it once more, under the same Message-ID: nobody can
    say then whether it went, and one too many is better than none.
    """
    name(letter, key)
    try:
        with transaction.atomic():
            spend("letter", key, 1, KNOWN_S)
            letter.send()
    except TooMany:
        return
