"""What both parts of the API, residents' and crews', say and read alike."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.conf import settings
from ninja import Field, Schema

from cityhall.kernel.values import EARLIEST, LATEST
from cityhall.services.recycling import collecting
from cityhall.services.recycling.models import Pickup


class EstimateIn(Schema):
    """So much of a material."""

    material: str = Field(..., max_length=40)
    grams: int = Field(..., ge=1, le=collecting.MOST_GRAMS)


def estimates(one: Pickup) -> list[dict[str, Any]]:
    """What is thought to stand there, as `EstimateIn`."""
    return [{"material": part.material.key, "grams": part.grams} for part in one.estimates.all()]


def aware(moment: dt.datetime) -> dt.datetime:
    """A moment that names no zone is meant by the city's clock; of days that can be reckoned with."""
    known = moment if moment.tzinfo is not None else moment.replace(tzinfo=settings.CITY.zone)
    return min(max(known, EARLIEST), LATEST)
