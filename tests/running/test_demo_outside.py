"""What a demo's processes are told before they start, also that of a folder which an earlier version made."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest

from cityhall.democity.make import CITY_TOML
from cityhall.running import demo_outside

BEFORE = """\
name = "Atlântida"
services = ["transit", "safety"]
{}
[service.reports]
per_hour = 300
"""
OWN = ["127.0.0.1"]


def options(folder: Path) -> dict[str, object]:
    found: dict[str, object] = tomllib.loads((folder / "city.toml").read_text())["service"].get("safety", {})
    return found


@pytest.fixture(autouse=True)
def unset(monkeypatch: pytest.MonkeyPatch) -> None:
    # Set first, so that what the test leaves is taken away.
    monkeypatch.setenv("SMS_URL", "")
    monkeypatch.delenv("SMS_URL")


def test_the_gateway_is_named_and_the_same_at_the_next_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    demo_outside.before_start(tmp_path)
    first, known = os.environ.pop("SMS_URL"), demo_outside.gateway(tmp_path)
    assert first == f"http://demo:{known['password']}@127.0.0.1:{known['port']}/send"
    assert (tmp_path / demo_outside.FILE).stat().st_mode & 0o077 == 0
    demo_outside.before_start(tmp_path)
    assert os.environ["SMS_URL"] == first
    monkeypatch.setenv("SMS_URL", "https://gateway.example/send")
    demo_outside.before_start(tmp_path)
    assert os.environ["SMS_URL"] == "https://gateway.example/send", "whoever starts it has named one"


@pytest.mark.parametrize("section", ["", "[service.safety]   # the desk\nescalate_s = [10, 30, 60, 120]\n"])
def test_a_demo_made_before_is_told_where_its_cameras_are(tmp_path: Path, section: str) -> None:
    (tmp_path / "city.toml").write_text(BEFORE.format(section))
    demo_outside.before_start(tmp_path)
    assert options(tmp_path)["servers"] == OWN
    assert ("escalate_s" in options(tmp_path)) == bool(section)
    assert tomllib.loads((tmp_path / "city.toml").read_text())["service"]["reports"] == {"per_hour": 300}
    told = (tmp_path / "city.toml").read_bytes()
    demo_outside.before_start(tmp_path)
    assert (tmp_path / "city.toml").read_bytes() == told


@pytest.mark.parametrize("line", ['camera_hosts = ["127.0.0.1"]', "servers = []"])
def test_what_somebody_has_written_stays(tmp_path: Path, line: str) -> None:
    (tmp_path / "city.toml").write_text(BEFORE.format(f"[service.safety]\n{line}\n"))
    told = (tmp_path / "city.toml").read_bytes()
    demo_outside.before_start(tmp_path)
    assert (tmp_path / "city.toml").read_bytes() == told


def test_a_new_demo_needs_no_mending() -> None:
    assert demo_outside.SERVERS in CITY_TOML
