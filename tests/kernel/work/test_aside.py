"""What is passed over is told, and what passes by itself is not passed over."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest
from django.db import OperationalError, connection, transaction
from django.test import Client
from django.utils import timezone

from cityhall.kernel.database.outage import is_outage, too_much
from cityhall.kernel.errors import Unavailable
from cityhall.kernel.people.models import Person
from cityhall.kernel.work import aside, checks
from cityhall.kernel.work.aside import passing_over
from cityhall.kernel.work.models import SetAside

pytestmark = [pytest.mark.django_db, pytest.mark.attack]


def work_on(items: list[str]) -> list[str]:
    done = []
    for item in items:
        with passing_over("test.work", item), transaction.atomic():
            if "bad" in item:
                with connection.cursor() as cursor:
                    cursor.execute("SELECT %s::int", [item])
            done.append(item)
    return done


def test_the_others_go_on_and_officers_see_it() -> None:
    for _ in range(2):
        assert work_on(["one", "bad\0" + "x" * 300, "two", "bad"]) == ["one", "two"]
    assert SetAside.objects.count() == 2 and set(SetAside.objects.values_list("times", flat=True)) == {2}
    warned = [what for level, what, _mend in checks.findings() if level == "warning"]
    assert len(warned) == 1 and "2 of test.work" in warned[0]
    person = Person.objects.create_user("admin@example.org", "secret-enough-1", is_staff=True, is_superuser=True)
    browser = Client()
    browser.force_login(person)
    assert "test.work" in browser.get("/admin/work/setaside/").content.decode()
    SetAside.objects.update(last_at=timezone.now() - timedelta(days=8))
    aside.forget_old()
    assert [level for level, _what, _mend in checks.findings()] == ["ok"]


@pytest.mark.parametrize("passing", [OperationalError("gone"), Unavailable("no timetable")])
def test_what_passes_by_itself_passes_on(passing: Exception) -> None:
    with pytest.raises(type(passing)), passing_over("test.work", "one"):
        raise passing
    assert not SetAside.objects.exists()


def test_jobs_that_were_given_up_are_told() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, status, args)"
            " VALUES ('default', 'test.job', 'failed', '{}') RETURNING id"
        )
        (number,) = cursor.fetchone()
        cursor.execute("INSERT INTO procrastinate_events (job_id, type, at) VALUES (%s, 'failed', now())", [number])
    assert any("1 of test.job failed" in what for level, what, _mend in checks.findings())


@pytest.mark.parametrize(
    ("kind", "outage", "large"),
    [
        (psycopg.errors.AdminShutdown, True, False),
        (psycopg.errors.DiskFull, True, False),
        (psycopg.errors.ReadOnlySqlTransaction, True, False),
        (psycopg.errors.TooManyConnections, True, False),
        (psycopg.OperationalError, True, False),
        (psycopg.errors.StatementTooComplex, False, True),
        (psycopg.errors.ProgramLimitExceeded, False, True),
        (psycopg.errors.LockNotAvailable, False, False),
        (psycopg.errors.UntranslatableCharacter, False, False),
        (ValueError, False, False),
    ],
)
def test_outages_are_told_from_values(kind: type[Exception], outage: bool, large: bool) -> None:
    assert (is_outage(kind("x")), too_much(kind("x"))) == (outage, large)
