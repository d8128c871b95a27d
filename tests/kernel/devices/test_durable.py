"""A city that would give receipts for what is not on its disk says so, and does not start."""

from __future__ import annotations

import pytest
from django.db import connection

from cityhall.kernel import service
from cityhall.kernel.devices import durable

pytestmark = pytest.mark.django_db


def say(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


@pytest.fixture(autouse=True)
def one_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others of the tests' own database are off, and are the whole server's."""
    monkeypatch.setattr(durable, "SETTINGS", ("synchronous_commit",))


def test_without_waiting_for_the_disk_no_city_starts() -> None:
    say("SET LOCAL synchronous_commit = off")
    ((level, what, mend),) = durable.findings()
    assert (level, "synchronous_commit is off" in what, "synchronous_commit = on" in mend) == ("error", True, True)
    with pytest.raises(ValueError, match=r"synchronous_commit is off.*does not start"):
        durable.require()


@pytest.mark.parametrize("value", ["on", "local"])
def test_one_that_waits_does(value: str) -> None:
    say(f"SET LOCAL synchronous_commit = {value}")
    assert [level for level, _what, _mend in durable.findings()] == ["ok"]
    durable.require()


def test_a_role_that_does_not_wait_is_found_too() -> None:
    say("SET LOCAL synchronous_commit = on")
    say("ALTER ROLE CURRENT_USER SET synchronous_commit = off")
    assert durable.off() == ["synchronous_commit"]


def test_where_nothing_is_urgent_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    say("SET LOCAL synchronous_commit = off")
    monkeypatch.setattr(service, "city_services", lambda: ())
    assert list(durable.findings()) == []
    durable.require()
