"""At this moment, unless it has happened, do that: once, and neither before nor instead of something else."""

from __future__ import annotations

import ast
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.transaction import TransactionManagementError

from cityhall.kernel import clock, service
from cityhall.kernel.deadlines import checks, taker
from cityhall.kernel.deadlines.actions import clear, move, set_deadline, set_deadlines
from cityhall.kernel.deadlines.declares import Due
from cityhall.kernel.deadlines.kinds import kinds
from cityhall.kernel.deadlines.models import Deadline
from cityhall.kernel.service import resolve
from tests.kernel.deadlines import kind

pytestmark = pytest.mark.usefixtures("done")
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
S = timedelta(seconds=1)
TREE = Path(__file__).parents[3] / "cityhall"


def put(subject: str = "lamp:1", at: datetime = NOON, what: str = "trial.note", **values: Any) -> None:
    with transaction.atomic():
        set_deadline(what, subject, at, **values)


def lines() -> list[tuple[str, int]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT subject, level FROM deadline_done ORDER BY at")
        return cursor.fetchall()


def test_neither_before_nor_twice() -> None:
    put()
    assert taker.take_due(NOON - S) == 0 and lines() == []
    assert taker.take_due(NOON) == 1 and taker.take_due(NOON + S) == 0
    assert lines() == [("lamp:1", 0)] and not Deadline.objects.exists()


def test_there_with_the_change_or_not_at_all() -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        set_deadline("trial.note", "lamp:1", NOON)
        raise RuntimeError
    assert taker.take_due(NOON) == 0
    with pytest.raises(TransactionManagementError):
        set_deadline("trial.note", "lamp:1", NOON)
    with pytest.raises(ValueError, match=r"trial\.nothing"):
        put(what="trial.nothing")
    with pytest.raises(ValueError, match="time zone"):
        put(at=datetime(2026, 11, 23))


def test_by_the_clock_of_a_demo_that_was_set() -> None:
    with clock.running_from(NOON - 3600 * S):
        put()
        assert taker.take_due() == 0
    with clock.running_from(NOON + S):
        assert taker.take_due() == 1


def test_levels_are_by_themselves() -> None:
    for level in (1, 2, 3):
        put(at=NOON + level * S, level=level)
    assert taker.take_due(NOON + S) == 1
    with transaction.atomic():
        assert clear("trial.note", "lamp:1", level=3) == 1
    assert taker.take_due(NOON + 10 * S) == 1 and lines() == [("lamp:1", 1), ("lamp:1", 2)]


def test_moved_and_cleared() -> None:
    put()
    with transaction.atomic():
        assert move("trial.note", "lamp:1", NOON + 5 * S) and not move("trial.note", "lamp:2", NOON)
    assert taker.take_due(NOON + S) == 0
    with transaction.atomic():
        assert clear("trial.note", "lamp:1") == 1 and clear("trial.note", "lamp:1") == 0
    assert taker.take_due(NOON + 10 * S) == 0 and lines() == []


def test_many_at_once() -> None:
    with transaction.atomic():
        set_deadlines("trial.note", [(f"lamp:{number}", NOON + number * S) for number in range(100)])
        set_deadlines("trial.note", [])
    assert taker.take_due(NOON + 49 * S) == 50 and taker.take_due(NOON + 200 * S) == 50


def test_a_kind_that_takes_many_is_given_them_together_and_may_set_them_again() -> None:
    with transaction.atomic():
        set_deadlines("trial.many", [(f"bell:{number}", NOON) for number in range(1100)])
    assert taker.take_due(NOON) == 1100
    assert sorted(level for _subject, level in lines()) == [100] * 100 + [200] * 1000
    assert Deadline.objects.filter(due_at=NOON + 10 * S).count() == 1100


def test_of_many_together_one_that_fails_or_was_cleared_spoils_none(monkeypatch: pytest.MonkeyPatch) -> None:
    with transaction.atomic():
        set_deadlines("trial.many", [(one, NOON) for one in ("lamp:1", "siren:1", "lamp:2")])
    assert taker.take_due(NOON) == 2
    assert lines() == [("lamp:1", 1), ("lamp:2", 1)] and Deadline.objects.get().subject == "siren:1"
    plain = kind.many

    def others_clear(together: list[Due]) -> None:
        plain(together)
        if len(together) > 1:
            # As if it had been cleared by another connection after it was found.
            with connection.cursor() as cursor:
                cursor.execute("UPDATE deadlines_deadline SET version = version + 1 WHERE subject = 'lamp:3'")

    monkeypatch.setattr(kind, "many", others_clear)
    with transaction.atomic():
        clear("trial.many", "siren:1")
        set_deadlines("trial.many", [("lamp:3", NOON + S), ("lamp:4", NOON + S)])
    assert taker.take_due(NOON + S) == 2
    assert lines()[2:] == [("lamp:3", 1), ("lamp:4", 1)]


def test_a_failing_one_waits_longer_each_time_and_holds_nobody_up(caplog: pytest.LogCaptureFixture) -> None:
    put("siren:1", what="trial.fails")
    put("lamp:1", NOON + S)
    assert taker.take_due(NOON + S) == 1 and lines() == [("lamp:1", 0)], "what the failing one wrote is not there"
    pauses, now = [], NOON + S
    for _ in range(12):
        failing = Deadline.objects.get()
        pauses.append((failing.next_at - now).total_seconds())
        now = failing.next_at
        assert taker.take_due(now - S / 10) == 0 and taker.take_due(now) == 0
    assert pauses[:4] == [1, 2, 4, 8] and pauses[-1] == taker.LONGEST_PAUSE_S
    assert failing.problem == "LookupError: the siren is broken" and failing.due_at == NOON
    assert "Traceback" in caplog.text
    found = list(checks.findings())
    assert found[0][0] == "error" and "trial.fails siren:1" in found[0][1] and "siren is broken" in found[0][1]
    put("siren:1", NOON + 9999 * S, what="trial.fails")
    assert Deadline.objects.get().attempts == 0 and next(iter(checks.findings()))[0] == "ok"


def test_what_nobody_declares_any_more_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    put()
    with monkeypatch.context() as off:
        off.setattr(service, "city_services", lambda: ())
        assert taker.take_due(NOON) == 0
        assert [(level, "trial.note" in what) for level, what, _mend in checks.findings()] == [("warning", True)]
    assert taker.take_due(NOON) == 1


def test_however_many_of_one_kind_wait_another_has_its_turn() -> None:
    with transaction.atomic():
        set_deadlines("trial.slow", [(f"case:{number}", NOON) for number in range(200)])
    put("alert:1", NOON + S)
    turns = 0
    while ("alert:1", 0) not in lines():
        taker.look(NOON + 2 * S)
        turns += 1
    assert turns == 1 and len(lines()) < 40


def acting(monkeypatch: pytest.MonkeyPatch, action: Any) -> None:
    monkeypatch.setattr(kind, "note", action)


def test_an_action_may_set_its_own_again(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = kind.note

    def again(due: Due) -> None:
        plain(due)
        if due.data["left"]:
            set_deadline(due.kind, due.subject, due.due_at + S, data={"left": due.data["left"] - 1})

    acting(monkeypatch, again)
    put(data={"left": 2})
    assert taker.take_due(NOON) == 1 and taker.take_due(NOON + S) == 1
    assert taker.take_due(NOON + 9 * S) == 1 and not Deadline.objects.exists() and len(lines()) == 3


def elsewhere(work: Any) -> threading.Thread:
    """Runs `work` in a thread with a connection of its own."""

    def run() -> None:
        try:
            work()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


@pytest.mark.parametrize("how", ["cleared", "moved", "set"])
def test_what_happens_while_it_is_acted_on_wins(monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """The action has begun; before it ends somebody does what it waited for."""
    plain = kind.note

    def change() -> None:
        with transaction.atomic():
            if how == "cleared":
                clear("trial.note", "lamp:1")
            elif how == "moved":
                move("trial.note", "lamp:1", NOON + 60 * S)
            else:
                set_deadline("trial.note", "lamp:1", NOON + 60 * S)

    def interrupted(due: Due) -> None:
        plain(due)
        elsewhere(change).join(10)

    put()
    acting(monkeypatch, interrupted)
    assert taker.take_due(NOON) == 0 and lines() == [], "nothing of it was done"
    acting(monkeypatch, plain)
    assert taker.take_due(NOON + 59 * S) == 0
    assert taker.take_due(NOON + 60 * S) == (0 if how == "cleared" else 1)


def test_who_holds_the_subject_and_its_action_do_not_wait_for_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """An officer locks a case and then clears its deadline, while the action wants the case."""
    plain, locked, begun = kind.note, threading.Event(), threading.Event()
    put("other:1")
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO deadline_done VALUES ('', 'the case', 0, now(), now(), 0)")

    def officer() -> None:
        with transaction.atomic(), connection.cursor() as own:
            own.execute("SELECT FROM deadline_done WHERE subject = 'the case' FOR UPDATE")
            locked.set()
            assert begun.wait(10)
            clear("trial.note", "other:1")

    def action(due: Due) -> None:
        begun.set()
        with connection.cursor() as own:
            own.execute("SELECT FROM deadline_done WHERE subject = 'the case' FOR UPDATE")
        plain(due)

    acting(monkeypatch, action)
    waiting = elsewhere(officer)
    assert locked.wait(10)
    assert taker.take_due(NOON) == 0
    waiting.join(10)
    assert lines() == [("the case", 0)] and not Deadline.objects.exists()


def test_two_takers_share_what_is_due(monkeypatch: pytest.MonkeyPatch) -> None:
    with transaction.atomic():
        set_deadlines("trial.slow", [(f"lamp:{number}", NOON) for number in range(60)])
    counts: list[int] = []
    threads = [elsewhere(lambda: counts.append(taker.take_due(NOON))) for _ in range(3)]
    for thread in threads:
        thread.join(60)
    taker.take_due(NOON)
    assert sorted(lines()) == sorted((f"lamp:{number}", 0) for number in range(60))


def test_every_kind_of_the_tree_is_declared_and_leads_somewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    known = kinds()
    assert "cases.clock" in known
    for one in known.values():
        assert callable(resolve(one.action))
    named = set()
    for path in TREE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "DeadlineKind":
                named.add(ast.literal_eval(node.args[0]))
    assert named == {name.partition(".")[2] for name in known}
