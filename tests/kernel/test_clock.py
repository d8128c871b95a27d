"""The clock of a demo can be set, for all of it and for nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone
from typer.testing import CliRunner

from cityhall.cli import app
from cityhall.kernel import clock
from cityhall.kernel.notify.models import Notification
from cityhall.kernel.people.models import Person
from tests.testville import CITY_TOML

FRIDAY = datetime(2031, 3, 7, 16, 30, tzinfo=ZoneInfo("Atlantic/Azores"))
READ = "from cityhall.kernel import clock; import cityhall.settings; print(clock.now().isoformat())"


def close(moment: datetime, to: datetime) -> bool:
    return abs(moment - to) < timedelta(seconds=30)


@pytest.mark.django_db
def test_whoever_asks_for_the_time_hears_the_same() -> None:
    with clock.running_from(FRIDAY):
        person = Person.objects.create_user("ana@example.org", "a long password")
        told = Notification.objects.create(person=person, title="x", body="y")
        assert all(close(moment, FRIDAY) for moment in (clock.now(), timezone.now(), person.joined_at, told.sent_at))
        assert close(datetime.fromtimestamp(clock.time(), UTC), FRIDAY)
        page = Client().get("/offline/").content.decode()
        assert f'data-ahead="{round(clock.ahead())}"' in page and "The clock of this demo is set" in page
    assert close(timezone.now(), datetime.now(UTC)) and clock.ahead() == 0
    page = Client().get("/offline/").content.decode()
    assert "data-ahead" not in page and "The clock of this demo is set" not in page


def settings_of(slug: str, ahead: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """What a process of a city says of the time."""
    folder.mkdir()
    (folder / "city.toml").write_text(CITY_TOML.replace('"testville"', f'"{slug}"'))
    ours = {"CITYHALL_CITY": str(folder), clock.VARIABLE: ahead, "DATABASE_URL": "postgresql://x@localhost/x"}
    return subprocess.run(
        [sys.executable, "-c", READ], env=os.environ | ours, capture_output=True, text=True, check=False
    )


def test_the_processes_of_a_demo_take_its_clock(tmp_path: Path) -> None:
    done = settings_of("demo", f"{clock.ahead_of(FRIDAY):.0f}", tmp_path / "demo")
    assert close(datetime.fromisoformat(done.stdout.strip()), FRIDAY), done.stderr


@pytest.mark.parametrize(("slug", "ahead"), [("testville", "3600"), ("demo", "noon"), ("demo", "1e99")])
def test_no_other_city_and_nothing_else_is_taken(slug: str, ahead: str, tmp_path: Path) -> None:
    done = settings_of(slug, ahead, tmp_path / "city")
    assert done.returncode and "CITYHALL_CLOCK" in done.stderr.splitlines()[-1]


def test_a_city_is_not_served_by_another_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(clock.VARIABLE, "3600")
    for command in ("up", "demo"):
        (tmp_path / "demo").mkdir(exist_ok=True)
        (tmp_path / "demo" / "city.toml").write_text(CITY_TOML)
        (tmp_path / "demo" / ".loaded").touch()
        done = CliRunner().invoke(app, [command, "--data", str(tmp_path), "--port", "1"])
        assert done.exit_code == 1 and "CITYHALL_CLOCK is set" in done.output
    assert CliRunner().invoke(app, ["up", "--at", "2026-11-27T16:30"]).exit_code == 2, "up has no such option"


def test_what_is_no_moment_is_refused(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "city.toml").write_text(CITY_TOML)
    (tmp_path / "demo" / ".loaded").touch()
    done = CliRunner().invoke(app, ["demo", "--data", str(tmp_path), "--at", "half past four"])
    assert done.exit_code == 1 and "is no moment" in done.output
