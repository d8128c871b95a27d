"""Indicators are kept each hour; what cannot be measured is a gap; they are read beside the day before."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from cityhall.kernel import service
from cityhall.kernel.indicators.declares import Indicator
from cityhall.kernel.indicators.models import Sample
from cityhall.kernel.indicators.sampling import sample
from cityhall.kernel.service import Service

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 27, 12, 34, tzinfo=UTC)
VALUES = {"trees": 12.0}


def trees() -> float:
    return VALUES["trees"]


def broken() -> float:
    raise ZeroDivisionError("nothing to divide by")


def endless() -> float:
    return math.inf


PARKS = Service(
    slug="parks",
    name="Parks",
    summary="",
    app="tests",
    declares=(
        Indicator("trees", "trees", "", f"{__name__}:trees", headline=True),
        Indicator("share", "share", "%", f"{__name__}:broken"),
        Indicator("wait", "wait", "s", f"{__name__}:endless", better="lower"),
        Indicator("litter", "litter", "", f"{__name__}:trees", better="lower"),
    ),
)


@pytest.fixture(autouse=True)
def parks(monkeypatch: pytest.MonkeyPatch) -> None:
    import cityhall.urls  # noqa: F401  (the addresses are those of the whole city)

    monkeypatch.setattr(service, "city_services", lambda: (PARKS,))
    monkeypatch.setitem(VALUES, "trees", 12.0)


def test_an_hour_is_kept_once_and_what_fails_is_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sample(NOON) == 2
    monkeypatch.setitem(VALUES, "trees", 13.0)
    sample(NOON + timedelta(minutes=20))
    kept = set(Sample.objects.values_list("indicator", "at", "value"))
    hour = NOON.replace(minute=0)
    assert kept == {("parks.trees", hour, 12.0), ("parks.litter", hour, 12.0)}


def test_a_change_is_for_the_better_or_not(monkeypatch: pytest.MonkeyPatch) -> None:
    from cityhall.kernel.indicators.reading import read

    sample(NOON - timedelta(days=1))
    monkeypatch.setitem(VALUES, "trees", 15.0)
    chosen = [(PARKS, one) for one in PARKS.of(Indicator) if one.slug in ("trees", "litter")]
    trees_now, litter = read(chosen, NOON)
    assert (trees_now.value, trees_now.change, trees_now.good) == (15.0, 3.0, True)
    assert (litter.change, litter.good) == (3.0, False)
    (unknown,) = read(chosen[:1], NOON + timedelta(hours=1))
    assert unknown.change is None and unknown.good is None


def test_the_past_is_read_by_anybody(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime.now(UTC)
    for hours in (2, 1, 0):
        monkeypatch.setitem(VALUES, "trees", 10.0 + hours)
        sample(now - timedelta(hours=hours))
    told = client.get("/api/indicators/parks.trees").json()
    assert [one["value"] for one in told] == [12.0, 11.0, 10.0]
    assert client.get("/api/indicators/parks.flowers").status_code == 404
