"""Who locks more than one alert locks them in one order: nobody waits on one another for ever."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event, Thread
from typing import Any

import pytest
from django.db import connection

from cityhall.kernel.devices import urgent
from cityhall.kernel.errors import Conflict
from cityhall.kernel.people.actors import ANONYMOUS
from cityhall.services.safety import actions, calling, dispatching
from cityhall.services.safety.models import Alert
from cityhall.services.safety.pressing import press
from tests.services.safety.conftest import at_desk, officer, patrol, put_up

pytestmark = [pytest.mark.usefixtures("city"), pytest.mark.django_db(transaction=True)]
KEY = "0123456789abcdef"
ROUNDS = 40
WAITS = "SELECT count(*) FROM pg_locks WHERE NOT granted"
"""In pg_stat_activity a transaction sees what there was at its first look."""


class Beside:
    """Does something in a thread and a connection of its own, and keeps what went wrong."""

    def __init__(self, does: Callable[[], Any]) -> None:
        self.problem: Exception | None = None
        self.does = does
        self.thread = Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        try:
            self.does()
        except Exception as problem:
            self.problem = problem
        finally:
            connection.close()

    def end(self) -> Exception | None:
        self.thread.join(60)
        assert not self.thread.is_alive()
        return self.problem


def somebody_waits(seconds: float = 10.0) -> bool:
    """Whether a connection comes to wait for a lock in time."""
    until = time.monotonic() + seconds
    with connection.cursor() as cursor:
        while time.monotonic() < until:
            cursor.execute(WAITS)
            if cursor.fetchone()[0]:
                return True
            time.sleep(0.02)
    return False


def test_a_whole_is_closed_while_the_caller_of_its_part_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    ana = at_desk("ana")
    made = press(ANONYMOUS, KEY + "part")
    whole = press(ANONYMOUS, KEY + "whole").alert
    assert made.alert.pk < whole.pk
    actions.merge(ana, made.alert.pk, whole.pk)
    actions.answer(ana, whole.pk)
    holds, let_go = Event(), dispatching.let_go

    def held(*given: Any) -> None:
        let_go(*given)
        holds.set()
        assert somebody_waits()

    monkeypatch.setattr(dispatching, "let_go", held)
    closing = Beside(lambda: actions.close(ana, whole.pk, "helped"))
    assert holds.wait(10)
    problem = Beside(lambda: calling.tell(made.code, "Where are you?")).end()
    assert closing.end() is None
    assert isinstance(problem, Conflict) and problem.code == "closed"
    assert set(Alert.objects.values_list("state", flat=True)) == {"closed"}


def test_buttons_are_pressed_while_their_alerts_are_merged_and_parted() -> None:
    """Their alerts came in the other order than the buttons, which presses of many are taken by."""
    first, second = put_up("First"), put_up("Second")

    def pressed(*bodies: bytes) -> None:
        told = urgent.take(bodies)
        assert all(one.refusal is None for one in told)

    for one in (second, first):
        pressed(one.signer.envelope([{"kind": "press"}]))
    ana = at_desk("ana")
    of = {one.button_id: one.pk for one in Alert.objects.all()}
    a, b = of[first.button.pk], of[second.button.pk]
    assert b < a

    def press_both() -> None:
        for _round in range(ROUNDS):
            pressed(*(one.signer.envelope([{"kind": "press"}]) for one in (first, second)))

    def merge() -> None:
        for _round in range(ROUNDS):
            actions.merge(ana, b, a)
            actions.unmerge(ana, b)

    both = [Beside(press_both), Beside(merge)]
    assert [one.end() for one in both] == [None, None]
    assert list(Alert.objects.order_by("pk").values_list("presses", flat=True)) == [ROUNDS + 1, ROUNDS + 1]


def test_a_unit_calls_again_while_it_is_sent_to_its_own_call(monkeypatch: pytest.MonkeyPatch) -> None:
    ana, crew = at_desk("ana"), officer("crew", "guard")
    unit = patrol("Patrol 1", person=crew)
    alert = dispatching.help_me(crew, unit.pk)
    actions.answer(ana, alert.pk)
    holds, choices = Event(), dispatching.choices

    def held(*given: Any, **more: Any) -> Any:
        found = choices(*given, **more)
        holds.set()
        assert somebody_waits()
        return found

    monkeypatch.setattr(dispatching, "choices", held)
    offering = Beside(lambda: dispatching.offer(ana, alert.pk, unit.pk))
    assert holds.wait(10)
    assert Beside(lambda: dispatching.help_me(crew, unit.pk)).end() is None
    assert offering.end() is None
    alert.refresh_from_db()
    assert alert.presses == 2 and alert.assignments.count() == 1
