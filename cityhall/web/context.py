"""What every page's template may use."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def shell(request: HttpRequest) -> dict[str, Any]:
    """The city, its services and the key browsers subscribe to push with."""
    return {
        "city": settings.CITY,
        "services": settings.SERVICES,
        "web_push_key": settings.SECRETS["web_push"]["public"],
    }
