"""Passwords are hashed a few at a time: each takes a quarter of a second of a processor on purpose."""

from __future__ import annotations

import os
from threading import BoundedSemaphore

from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.errors import TooMany

AT_ONCE = max(1, (os.cpu_count() or 1) // 2)
WAITING = 4
"""Requests that wait for their turn in a process; fewer than it has threads, so that pages go on."""
_turn, _room = BoundedSemaphore(AT_ONCE), BoundedSemaphore(AT_ONCE + WAITING)


class Hasher(PBKDF2PasswordHasher):
    """Django's own, whose hashes these are; many addresses that guess at once cannot take every processor and thread.

    Raises TooMany where as many as may wait are waiting.
    """

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        """As Django has it, in its turn."""
        if not _room.acquire(blocking=False):
            raise TooMany(
                _("Many people are signing in just now."), code="busy", mend=_("Try again in a moment."), wait_s=5
            )
        try:
            with _turn:
                return super().encode(password, salt, iterations)
        finally:
            _room.release()
