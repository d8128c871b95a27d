"""Which processes a city here has, and what goes on in that of presses: nothing that reckons."""

from __future__ import annotations

from typing import Any

import pytest

from cityhall.kernel.work.runners import runners
from cityhall.running import processes


def test_presses_have_a_process_where_there_is_a_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MQTT_URL", raising=False)
    assert processes.wanted() == ["web", "worker", "devices"]
    monkeypatch.setenv("MQTT_URL", "mqtt://127.0.0.1:1")
    assert processes.wanted() == list(processes.PARTS) == ["web", "worker", "devices", "urgent"]


def test_the_process_of_presses_takes_presses_and_nothing_else(settings: Any) -> None:
    settings.MQTT_URL = "mqtt://127.0.0.1:1"
    shared = {"work.collector"}
    assert set(runners("urgent")) - shared == {"devices.urgent"}
    assert "devices.urgent" not in runners("devices") and "devices.mqtt" in runners("devices")
