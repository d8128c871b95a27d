"""A start in which no table changes reads no migration; one that may change some asks Django's own plan."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.migrations import executor
from django.db.migrations.recorder import MigrationRecorder

from cityhall.running import loading

pytestmark = pytest.mark.django_db


class Asked(Exception):
    """The plan was asked for."""


@pytest.fixture
def planning(monkeypatch: pytest.MonkeyPatch) -> None:
    def plan(*arguments: object) -> None:
        raise Asked

    monkeypatch.setattr(executor, "MigrationExecutor", plan)


def test_nothing_is_read_where_all_are_noted(planning: None) -> None:
    assert loading.changes() == 0
    loading._migrate(lambda what, share: None)


def test_one_that_is_not_noted_is_planned() -> None:
    recorder = MigrationRecorder(connection)
    app, name = max(key for key in recorder.applied_migrations() if key[0] == "people")
    recorder.record_unapplied(app, name)
    assert loading.changes() == 1
