"""A table that actions write in, and a city with the trial service."""

from __future__ import annotations

import pytest
from django.db import connection

from cityhall.kernel import service
from tests.kernel.deadlines.kind import SERVICE, TABLE


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch, transactional_db: None) -> None:
    """An empty table of what was done."""
    monkeypatch.setattr(service, "city_services", lambda: (SERVICE,))
    with connection.cursor() as cursor:
        cursor.execute(TABLE)
        cursor.execute("TRUNCATE deadline_done")
