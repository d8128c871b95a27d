"""Setting, moving, clearing, going back on it, failing and taking in any order, beside a plain dictionary."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from cityhall.kernel.deadlines import taker
from cityhall.kernel.deadlines.actions import clear, move, set_deadline
from cityhall.kernel.deadlines.models import Deadline

BEGIN = datetime(2026, 11, 23, tzinfo=UTC)
KINDS = st.sampled_from(["trial.note", "trial.fails"])
SUBJECTS = st.sampled_from(["a:1", "a:2", "b:1"])
LEVELS = st.integers(0, 2)
MOMENTS = st.integers(0, 200)
Key = tuple[str, str, int]


@dataclass
class Waiting:
    """Seconds after BEGIN; how often it failed."""

    due: int
    tried_next: int
    failed: int = 0


class Deadlines(RuleBasedStateMachine):
    """The table on one side, a dictionary on the other."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0
        self.waiting: dict[Key, Waiting] = {}
        self.done: list[tuple[str, str, int, int]] = []

    def teardown(self) -> None:
        Deadline.objects.all().delete()
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE deadline_done")

    @rule(kind=KINDS, subject=SUBJECTS, level=LEVELS, due=MOMENTS, undo=st.booleans())
    def set(self, kind: str, subject: str, level: int, due: int, undo: bool) -> None:
        with transaction.atomic():
            set_deadline(kind, subject, BEGIN + timedelta(seconds=due), level=level)
            transaction.set_rollback(undo)
        if not undo:
            self.waiting[kind, subject, level] = Waiting(due, due)

    @rule(kind=KINDS, subject=SUBJECTS, level=LEVELS, due=MOMENTS)
    def move(self, kind: str, subject: str, level: int, due: int) -> None:
        with transaction.atomic():
            moved = move(kind, subject, BEGIN + timedelta(seconds=due), level=level)
        assert moved == ((kind, subject, level) in self.waiting)
        if moved:
            self.waiting[kind, subject, level] = Waiting(due, due)

    @rule(kind=KINDS, subject=SUBJECTS, level=st.none() | LEVELS)
    def clear(self, kind: str, subject: str, level: int | None) -> None:
        gone = [key for key in self.waiting if key[:2] == (kind, subject) and (level is None or key[2] == level)]
        with transaction.atomic():
            assert clear(kind, subject, level=level) == len(gone)
        for key in gone:
            del self.waiting[key]

    @rule(seconds=st.integers(-20, 60))
    def take(self, seconds: int) -> None:
        """Some time goes by, or the database's clock is set back."""
        self.now += seconds
        taker.take_due(BEGIN + timedelta(seconds=self.now))
        for key, one in list(self.waiting.items()):
            if one.tried_next > self.now:
                continue
            if key[0] == "trial.fails":
                one.tried_next = self.now + min(2**one.failed, taker.LONGEST_PAUSE_S)
                one.failed += 1
            else:
                self.done.append((*key, one.due))
                del self.waiting[key]

    @invariant()
    def alike(self) -> None:
        rows = Deadline.objects.values_list("kind", "subject", "level", "due_at", "next_at", "attempts")
        found = {row[:3]: Waiting(_seconds(row[3]), _seconds(row[4]), row[5]) for row in rows}
        assert found == self.waiting
        with connection.cursor() as cursor:
            cursor.execute("SELECT kind, subject, level, due FROM deadline_done")
            lines = sorted((*line[:3], _seconds(line[3])) for line in cursor.fetchall())
        assert lines == sorted(self.done)


def _seconds(moment: datetime) -> int:
    return round((moment - BEGIN).total_seconds())


@pytest.mark.slow
def test_as_a_plain_dictionary_does(done: None, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("CRITICAL", "cityhall.deadlines")
    run_state_machine_as_test(Deadlines, settings=settings(max_examples=60, stateful_step_count=25, deadline=None))
