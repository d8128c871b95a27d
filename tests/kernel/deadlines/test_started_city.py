"""A city as anybody starts it: a report is filed at its door, and its clock is told of by itself."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import ROOT, Demo, outside, start, stop_demo
from tests.testville import CITY_TOML

pytestmark = pytest.mark.slow
PROMISE = """
from datetime import timedelta
from django.db import transaction
from django.utils import timezone
from cityhall.kernel.cases import actions
from cityhall.kernel.people.actors import system
from cityhall.kernel.people.models import Membership, Person
with transaction.atomic():
    case = actions.locked({number})
    olga, _made = Person.objects.get_or_create(email="olga@example.org", defaults={{"name": "olga"}})
    Membership.objects.get_or_create(person=olga, role="reports.officer", scope=case.agency.scope)
    # Promised some time ago: amber, at three quarters, is four seconds away, red ten; the next red half a minute, by
    # when the slowest shell has looked.
    since = timezone.now() - timedelta(seconds=14)
    actions.promise(system("test"), case, timedelta(seconds=24), "always", now=since)
print((case.since + case.promised - case.used - timezone.now()).total_seconds())
"""
TOLD = """
import json
from django.db import connection
from cityhall.kernel.cases.models import Case
from cityhall.kernel.journal.models import Entry
from cityhall.kernel.notify.models import Notification
case = Case.objects.get(pk={number})
amber = case.since + 0.75 * case.promised - case.used
entries = Entry.objects.filter(subject="case:{number}", type__in=("case.amber", "case.red")).order_by("entry")
with connection.cursor() as cursor:
    cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE query = 'LISTEN cityhall_deadlines'")
    takers = cursor.fetchone()[0]
print(json.dumps({{
    "late": [(entry.time - due).total_seconds() for entry, due in zip(entries, (amber, case.due_at))],
    "types": [entry.type for entry in entries],
    "told": [one.title for one in Notification.objects.filter(title__contains="{number}").order_by("pk")],
    "above": case.above and case.above.slug,
    "takers": takers,
}}))
"""


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A small city with reports alone, running."""
    folder = tmp_path_factory.mktemp("city")
    (folder / "data" / "small").mkdir(parents=True)
    toml = CITY_TOML.replace('"transit", "reports", "safety", "house", "map"', '"reports"')
    toml = toml.replace('slug = "testville"', 'slug = "small"')
    (folder / "data" / "small" / "city.toml").write_text(toml)
    command = [sys.executable, "-m", "cityhall.cli", "load", "reports", "--city", "small", "--data", folder / "data"]
    subprocess.run(command, cwd=ROOT, env=outside(), check=True, timeout=200)
    running = start("up", folder / "data", folder / "log.txt", "--city", "small")
    try:
        yield running
    finally:
        assert stop_demo(running) == 0


def shell(city: Demo, code: str) -> str:
    """Runs code on the running city's tables, as `cityhall manage shell` does; gives the last line it prints."""
    command = [sys.executable, "-m", "cityhall.cli", "manage", "--city", "small", "--data", str(city.data), "shell"]
    done = subprocess.run(
        command, input=code, cwd=ROOT, env=outside(), capture_output=True, text=True, timeout=100, check=True
    )
    return (done.stdout.splitlines() or [""])[-1]


def filed(city: Demo) -> int:
    report = {"category": "pothole", "text": "A deep hole", "lon": -51.2, "lat": -30.03}
    answer = httpx.post(f"{city.address}/api/reports/", data=report)
    assert answer.status_code == 201
    return int(answer.json()["id"])


def told(city: Demo, number: int) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(shell(city, TOLD.format(number=number)))
    return found


def in_time(amber: float, red: float) -> bool:
    """Within a second, the first that a process ever acts on too."""
    return 0 <= amber < 1 and 0 <= red < 1


def test_amber_and_red_come_by_themselves(city: Demo) -> None:
    number = filed(city)
    time.sleep(1 + float(shell(city, PROMISE.format(number=number))))
    found = told(city, number)
    assert found["told"] == [f"Case {number} is due soon", f"Case {number} is late"]
    assert found["types"] == ["case.amber", "case.red"] and found["above"] == "city-hall"
    assert in_time(*found["late"]), found["late"]
    assert found["takers"] == 3, "the web, the worker and the devices process each look after them"


def children(city: Demo) -> dict[str, int]:
    """The city's processes: {"worker": process id, ...}."""
    found = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                words = (folder / "cmdline").read_text().split("\0")
            except OSError:
                continue
            if "--only" in words and str(city.data) in words and _parent(folder) == city.process.pid:
                found[words[words.index("--only") + 1]] = int(folder.name)
    return found


def _parent(folder: Path) -> int:
    return int((folder / "stat").read_text().rpartition(")")[2].split()[1])


def test_also_when_the_worker_is_gone(city: Demo) -> None:
    """The worker is killed before the moment, and what the parent starts anew is not needed."""
    number = filed(city)
    left = float(shell(city, PROMISE.format(number=number)))
    before = children(city)
    for part in ("worker", "devices"):
        os.kill(before[part], signal.SIGKILL)
    time.sleep(1 + left)
    found = told(city, number)
    assert in_time(*found["late"]), found
    until = time.monotonic() + 60
    while time.monotonic() < until and set(children(city)) != set(before):
        time.sleep(0.2)
    after = children(city)
    assert set(after) == set(before) and after["worker"] != before["worker"], "and they are started anew"
