"""HTTP API of indicators: which there are, what they measure now, and what they measured before."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Router, Schema
from ninja.params.functions import Query
from pydantic import Field

from cityhall.kernel.errors import Missing
from cityhall.kernel.indicators.declares import Indicator
from cityhall.kernel.indicators.reading import measured, name_of, past, read
from cityhall.kernel.service import declared

router = Router()


class IndicatorOut(Schema):
    """A number of the city. `better` says which way it should go; `before` is a day ago, null where not measured."""

    id: str
    name: str
    service: str
    unit: str
    better: str
    value: float
    before: float | None


class SampleOut(Schema):
    """A value at a full hour (UTC)."""

    at: datetime
    value: float


@router.get("/", response=list[IndicatorOut], summary="Every number of the city, measured now")
def indicators(request: HttpRequest) -> list[dict[str, Any]]:
    """Anybody may read them."""
    return [
        {
            "id": name_of(one.service, one.indicator),
            "name": str(one.indicator.name),
            "service": str(one.service.name),
            "unit": one.indicator.unit,
            "better": one.indicator.better,
            "value": one.value,
            "before": one.before,
        }
        for one in read(declared(Indicator))
    ]


@router.get("/{name}", response=list[SampleOut], summary="What a number was, hour by hour")
def history(
    request: HttpRequest, name: str, days: Annotated[int, Field(ge=1, le=366)] = Query(7)
) -> list[dict[str, Any]]:
    """The last `days`; an hour that was not measured is left out."""
    if name not in measured():
        raise Missing(_("There is no such number."), code="no_such_indicator", field="name")
    return [{"at": at, "value": value} for at, value in past(name, timezone.now() - timedelta(days=days))]
