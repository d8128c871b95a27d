"""The city's numbers as they are now."""

from __future__ import annotations

from dataclasses import dataclass

from cityhall.kernel.indicators.declares import Indicator
from cityhall.kernel.service import Service, declared, resolve


@dataclass(frozen=True, slots=True)
class Reading:
    """What an indicator measures now."""

    service: Service
    indicator: Indicator
    value: float


def headlines() -> list[Reading]:
    """Every headline number of the city, measured now."""
    return [Reading(service, item, resolve(item.measure)()) for service, item in declared(Indicator) if item.headline]
