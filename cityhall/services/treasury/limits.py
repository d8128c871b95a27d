"""Up to which amount one officer corrects the books alone: `[service.treasury] alone = {EUR = 50000}` in city.toml."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings

ALONE = 10_000
"""Of a unit that the city says nothing of: in its smallest part."""


def alone(unit: str) -> int:
    """The most of a unit, in its smallest part, that one officer reverses; above it takes a second."""
    given = _given().get(unit, ALONE)
    return given if _is_limit(given) else 0


def findings() -> Iterator[tuple[str, str, str]]:
    """What `cityhall check` says of the limits."""
    given = settings.CITY.options.get("treasury", {}).get("alone", {})
    wrong = [] if isinstance(given, dict) else ["alone"]
    wrong += [unit for unit, amount in _given().items() if not _is_limit(amount)]
    if wrong:
        yield (
            "error",
            f"[service.treasury] alone: {', '.join(sorted(wrong))} is no limit",
            "Write whole numbers of the unit's smallest part: alone = {EUR = 50000}.",
        )


def _given() -> dict[str, Any]:
    given = settings.CITY.options.get("treasury", {}).get("alone", {})
    return given if isinstance(given, dict) else {}


def _is_limit(amount: object) -> bool:
    return type(amount) is int and amount >= 0
