"""A batching writer: what many post at one moment to the same few accounts goes into one transaction.

A hot account (the city's cash, the issue of points) is locked by one posting at a time. Posted one by one, each waits
for the disk of those before it; together they wait once. The queue is here, in the process, and bounded: who finds it
full is told when to try again, and no connection of the database waits meanwhile.
"""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass

from django.db import connection
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.errors import Unavailable
from cityhall.kernel.ledger.books import Movement, Outcome, refusal
from cityhall.kernel.ledger.posting import MOST, post_for
from cityhall.kernel.people.actors import Actor

MOST_WAITING = 5_000
"""Movements that wait in a process; more are sent away."""
REST_S = 60.0
"""A writer that has had nothing to do for so long ends; the next movement begins another."""


@dataclass(slots=True)
class _Asked:
    movement: Movement
    actor: Actor | None
    answer: Future[Outcome]


class Writer:
    """One thread that posts what others hand in, together; `post` waits for its own outcome."""

    def __init__(self, most: int = MOST, most_waiting: int = MOST_WAITING) -> None:
        self.most, self.most_waiting = most, most_waiting
        self._waiting: deque[_Asked] = deque()
        self._some = threading.Condition()
        self._thread: threading.Thread | None = None

    def post(self, movement: Movement, actor: Actor | None = None) -> Outcome:
        """Posts it, after those that were handed in before. Raises as `posting.post` does; Unavailable where too many
        wait. Never within a transaction of the caller's: that could be undone, and this could not."""
        if connection.in_atomic_block:
            raise RuntimeError("post in your own transaction by posting.post")
        outcome = self.hand_in(movement, actor).result()
        if not outcome.is_posted:
            raise refusal(outcome)
        return outcome

    def hand_in(self, movement: Movement, actor: Actor | None = None) -> Future[Outcome]:
        """Hands it in; what became of it comes with the future. Raises Invalid, Unavailable."""
        movement.check()
        asked = _Asked(movement, actor, Future())
        with self._some:
            if len(self._waiting) >= self.most_waiting:
                raise Unavailable(
                    _("Too much is being posted at once."), code="busy", mend=_("Try again in a few seconds."), wait_s=2
                )
            self._waiting.append(asked)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="ledger writer", daemon=True)
                self._thread.start()
            self._some.notify()
        return asked.answer

    def _run(self) -> None:
        try:
            while batch := self._next():
                self._write(batch)
        finally:
            connection.close()

    def _next(self) -> list[_Asked]:
        with self._some:
            while not self._waiting:
                if not self._some.wait(REST_S) and not self._waiting:
                    self._thread = None
                    return []
            return [self._waiting.popleft() for _one in range(min(self.most, len(self._waiting)))]

    def _write(self, batch: list[_Asked]) -> None:
        try:
            outcomes = post_for([(asked.movement, asked.actor) for asked in batch])
        except Exception as problem:
            if len(batch) > 1:
                # One of them is at fault: each by itself, so that only that one fails.
                for asked in batch:
                    self._write([asked])
                return
            batch[0].answer.set_exception(problem)
            return
        for asked, outcome in zip(batch, outcomes, strict=True):
            asked.answer.set_result(outcome)


WRITER = Writer()
"""This process's own."""
