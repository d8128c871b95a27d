"""What happens when someone makes an account."""

from __future__ import annotations

from typing import Any

from django.utils.translation import get_language

from cityhall.kernel.people.models import Person


def keep_language(sender: Any, user: Person, **_values: Any) -> None:
    """The language of the page they signed up on is the one they are written to in."""
    if not user.language:
        user.language = get_language() or ""
        user.save(update_fields=["language"])
