"""A stop's page tells what residents have reported there, and is the page that it was where nobody takes reports."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.test import Client

from cityhall.kernel import service as manifests
from cityhall.services.reports import categories
from cityhall.services.reports.models import Category, Report
from tests.services.reports.conftest import filed
from tests.services.transit.conftest import city, folder

__all__ = ["city", "folder"]
SQUARE = {"lon": -51.215, "lat": -30.03}


@pytest.fixture
def reports(city: Path) -> dict[str, int]:
    """One at the stop, one that is done, one whose place is nobody's business, one a street away: their numbers."""
    categories.load(lambda what, share: None)
    place = {"lon": SQUARE["lon"] + 1e-4, "lat": SQUARE["lat"]}
    made = {name: filed(**place).report.pk for name in ("open", "done", "sensitive")}
    made["away"] = filed(lon=SQUARE["lon"] + 1e-3, lat=SQUARE["lat"]).report.pk
    Report.objects.filter(pk=made["done"]).update(state="resolved")
    other = Category.objects.filter(sensitive=True, parent__isnull=False).first()
    assert other is not None
    Report.objects.filter(pk=made["sensitive"]).update(category=other)
    return made


def told(client: Client) -> str:
    answer = client.get("/transit/stops/square/")
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_page_of_a_stop_tells_what_is_reported_there(reports: dict[str, int], client: Client) -> None:
    page = told(client)
    assert "Reported at this stop" in page and f'href="/reports/{reports["open"]}/"' in page
    assert not any(f"/reports/{reports[name]}/" in page for name in ("done", "sensitive", "away"))
    assert "Reported at this stop" not in client.get("/transit/stops/hill/").content.decode()


def test_without_reports_it_is_the_page_that_it_was(
    reports: dict[str, int], client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = (manifests.available()["transit"],)
    monkeypatch.setattr(manifests, "city_services", lambda: alone)
    assert "Reported at this stop" not in told(client)
