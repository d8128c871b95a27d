"""How `EMAIL_URL` becomes Django's mail settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit


def mail_settings(url: str, folder: Path) -> dict[str, Any]:
    """Settings for `smtp://user:password@host:port` (STARTTLS where a user is given) or `smtps://` (TLS).

    Without an address every mail becomes a file in `folder`, so that a demo or a test loses none.
    Raises ValueError for another scheme.
    """
    if not url:
        return {"backend": "django.core.mail.backends.filebased.EmailBackend", "folder": str(folder)}
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
