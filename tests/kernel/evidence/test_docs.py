"""The page about evidence does what it says."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from cityhall.kernel import service
from cityhall.kernel.evidence import actions, queries
from cityhall.kernel.people.actors import system
from cityhall.kernel.service import Service

PAGE = Path(__file__).parents[3] / "docs" / "evidence.md"
pytestmark = pytest.mark.django_db


def test_the_sample_of_the_page(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    recording = ModuleType("buses.recording")
    monkeypatch.setitem(sys.modules, "buses.recording", recording)
    exec(compile(code, str(PAGE), "exec"), recording.__dict__)
    buses = Service("buses", "Buses", "", "buses", declares=(recording.KIND,))
    monkeypatch.setattr(service, "city_services", lambda: (buses,))
    (tmp_path / "minute.mp4").write_bytes(b"frames")
    piece = recording.recorded(12, tmp_path / "minute.mp4")
    assert queries.of("alert:12") == [piece]
    assert b"".join(actions.open_original(system("test"), piece)) == b"frames"
