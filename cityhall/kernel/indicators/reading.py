"""The city's numbers: as they are now, beside what they were, and their past."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from cityhall.kernel.indicators.declares import Indicator
from cityhall.kernel.indicators.models import Sample
from cityhall.kernel.service import Service, declared, resolve

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Reading:
    """What an indicator measures now, and at the same hour a day before: None where that was not measured."""

    service: Service
    indicator: Indicator
    value: float
    before: float | None = None

    @property
    def change(self) -> float | None:
        """By how much it is more than a day before; None where that is not known."""
        return None if self.before is None else self.value - self.before

    @property
    def good(self) -> bool | None:
        """Whether the change is for the better; None where there is none, or it is not known."""
        if not self.change:
            return None
        return (self.change > 0) == (self.indicator.better == "higher")


def name_of(service: Service, indicator: Indicator) -> str:
    """Under which name its samples are kept."""
    return f"{service.slug}.{indicator.slug}"


def measured() -> dict[str, Callable[[], float]]:
    """Every indicator of the city by its name, with what measures it."""
    return {name_of(service, item): resolve(item.measure) for service, item in declared(Indicator)}


def headlines() -> list[Reading]:
    """Every headline number of the city, measured now."""
    return read((service, item) for service, item in declared(Indicator) if item.headline)


def read(wanted: Iterable[tuple[Service, Indicator]], now: datetime | None = None) -> list[Reading]:
    """Some indicators, measured now, with what they were a day before."""
    chosen = list(wanted)
    hour = (now or timezone.now()).replace(minute=0, second=0, microsecond=0)
    names = [name_of(service, item) for service, item in chosen]
    kept = dict(Sample.objects.filter(indicator__in=names, at=hour - DAY).values_list("indicator", "value"))
    return [
        Reading(service, item, resolve(item.measure)(), kept.get(name))
        for name, (service, item) in zip(names, chosen, strict=True)
    ]


def past(name: str, since: datetime) -> list[tuple[datetime, float]]:
    """What an indicator measured from `since` on, hour by hour; hours that were not measured are left out."""
    return list(Sample.objects.filter(indicator=name, at__gte=since).order_by("at").values_list("at", "value"))
