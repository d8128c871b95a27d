"""How `EMAIL_URL` becomes Django's mail settings, and mails as files where there is none."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from django.core.mail.backends import filebased


def mail_settings(url: str, folder: Path) -> dict[str, Any]:
    """Settings for `smtp://user:password@host:port` (STARTTLS where a user is given) or `smtps://` (TLS).

    Without an address every mail becomes a file in `folder`, so that a demo or a test loses none.
    Raises ValueError for another scheme.
    """
    if not url:
        return {"backend": "cityhall.kernel.mail.EmailBackend", "folder": str(folder)}
    parts = urlsplit(url)
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise ValueError("EMAIL_URL must look like smtp://user:password@mail.example.org:587 or smtps://...")
    secure = parts.scheme == "smtps"
    return {
        "backend": "django.core.mail.backends.smtp.EmailBackend",
        "host": parts.hostname,
        "port": parts.port or (465 if secure else 587),
        "user": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "ssl": secure,
        "tls": bool(parts.username) and not secure,
    }


class EmailBackend(filebased.EmailBackend):
    """Mails as files that the city's user alone reads: they hold names, addresses and secret links."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        Path(self.file_path).chmod(0o700)

    def open(self) -> bool | None:
        """The file of this connection's mails."""
        os.close(os.open(self._get_filename(), os.O_WRONLY | os.O_CREAT, 0o600))  # type: ignore[attr-defined]
        return super().open()
