"""Keeping every indicator each hour, from the day a city begins."""

from __future__ import annotations

import logging
import math
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from cityhall.kernel.indicators.models import Sample
from cityhall.kernel.indicators.reading import measured

log = logging.getLogger("cityhall.indicators")


def sample(now: datetime | None = None) -> int:
    """Measures every indicator and keeps the values under the hour; gives how many. Again in that hour, the first stay.

    One that cannot be measured leaves a gap, and does not keep the others from being measured.
    """
    hour = (now or timezone.now()).replace(minute=0, second=0, microsecond=0)
    kept = []
    for name, measure in measured().items():
        try:
            with transaction.atomic():
                value = float(measure())
        except Exception:
            log.exception("%s could not be measured", name)
            continue
        if math.isfinite(value):
            kept.append(Sample(indicator=name, at=hour, value=value))
        else:
            log.warning("%s measured %s: not kept", name, value)
    return len(Sample.objects.bulk_create(kept, ignore_conflicts=True))
