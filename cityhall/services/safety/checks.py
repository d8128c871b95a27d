"""What `cityhall check` says of the service."""

from __future__ import annotations

from collections.abc import Iterator

from cityhall.services.safety.afterwards import support


def check() -> Iterator[tuple[str, str, str]]:
    """Whether somebody is named whom people can talk to after harassment."""
    if not support():
        yield (
            "warning",
            "safety: nobody is named who helps after harassment.",
            'Name them in city.toml: [[service.safety.support]] with name = "…", phone = "…", hours = "…".',
        )
