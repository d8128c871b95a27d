"""A city whose timetable is the small feed of 2019."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cityhall.kernel.devices import drops
from cityhall.services.transit import actions
from tests.feeds import write_feed


@pytest.fixture
def folder(settings: Any, tmp_path: Path, db: None) -> Path:
    """The city's folder, with no feed loaded yet."""
    settings.CITY_FOLDER = tmp_path
    settings.DERIVED = tmp_path / "derived"
    settings.CITY = dataclasses.replace(settings.CITY, gtfs=("gtfs.zip",), osm="")
    write_feed(tmp_path / "gtfs.zip")
    return tmp_path


@pytest.fixture
def city(folder: Path) -> Path:
    """The city's folder, its feed in service."""
    actions.load(lambda what, share: None)
    return folder


@pytest.fixture(autouse=True)
def nothing_counted_elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The thread that writes counts of drops would commit outside of the test's transaction."""
    monkeypatch.setattr(drops, "_writer", threading.current_thread())
    yield
    drops._pending.clear()
