"""Every job may be done again by another worker, wherever the first was killed: it leaves what one run leaves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cityhall.kernel.service import declared
from cityhall.kernel.work.declares import Task
from cityhall.kernel.work.jobs import TWICE, may_run_twice
from cityhall.services.map import reading
from cityhall.services.transit.realtime import history
from tests.running.twice import bookings as _booked  # noqa: F401 (its scenes)
from tests.running.twice import house as _house  # noqa: F401 (its scenes)
from tests.running.twice import ledger as _money  # noqa: F401 (its scenes)
from tests.running.twice import payments as _bills  # noqa: F401 (its scenes)
from tests.running.twice import recycling as _fetched  # noqa: F401 (its scenes)
from tests.running.twice import safety as _more  # noqa: F401 (its scenes)
from tests.running.twice.scenes import SCENES, Stage
from tests.running.twice.trials import Trials, Worker, breaks

pytestmark = [pytest.mark.attack, pytest.mark.django_db]


@pytest.fixture
def stage(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    folder = tmp_path / "city"
    folder.mkdir()
    settings.CITY_FOLDER = folder
    settings.DERIVED = folder / "derived"
    settings.MEDIA_ROOT = folder / "media"
    for cache in (history._kept, history._made):
        cache.clear()
    reading.forget()
    yield Stage(folder, settings, monkeypatch)
    for cache in (history._kept, history._made):
        cache.clear()
    reading.forget()


def test_every_job_has_a_scene() -> None:
    """A new job is not tested here until somebody makes one: `@scene("<owner>.<job>")`."""
    known = {*TWICE, *(f"{owner.slug}.{task.slug}" for owner, task in declared(Task))}
    assert sorted(name for name in known if may_run_twice(name)) == sorted(SCENES)


@pytest.mark.parametrize("name", sorted(SCENES))
def test_a_second_run_leaves_what_one_leaves(name: str, stage: Stage) -> None:
    trials = Trials(name, SCENES[name](stage), stage.folder)
    first = Worker()
    once = trials.run(first)
    assert once.differs(trials.before), "the scene gives it something to do"
    assert trials.run(Worker(), Worker()).differs(once) == "", "killed before it said that it was done"
    for step in breaks(first.steps):
        left = trials.run(Worker(at=step), Worker())
        # A letter that went twice because nobody can know whether it had gone is one to its reader.
        left = replace(left, mails=list(dict.fromkeys(left.mails)))
        assert left.differs(once) == "", f"killed at step {step} of {first.steps}"
