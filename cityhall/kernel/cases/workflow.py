"""What may happen to a case: one table. Whoever changes the workflow changes this table and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

Text = str | Promise


class State(models.TextChoices):
    """Where a case stands."""

    NEW = "new", pgettext_lazy("case", "new")
    ACCEPTED = "accepted", pgettext_lazy("case", "accepted")
    WORKING = "working", pgettext_lazy("case", "being worked on")
    WAITING = "waiting", pgettext_lazy("case", "waiting for an answer")
    RESOLVED = "resolved", pgettext_lazy("case", "resolved")
    CLOSED = "closed", pgettext_lazy("case", "closed")
    REJECTED = "rejected", pgettext_lazy("case", "not taken on")
    MERGED = "merged", pgettext_lazy("case", "merged into another")


RUNNING = (State.NEW, State.ACCEPTED, State.WORKING)
"""In these the clock runs. While the city waits for the person who asked, it stands."""
OPEN = (*RUNNING, State.WAITING)
DONE = (State.RESOLVED, State.CLOSED, State.REJECTED, State.MERGED)

OFFICER, REQUESTER, CITY = "officer", "requester", "city"
"""Who may: an officer of the case's agency, the person who asked, the program itself (time limits)."""


@dataclass(frozen=True, slots=True)
class Transition:
    """A step from any of `source` to `target` that any of `who` may take. "" keeps the state.

    `reason`: it must be said why. `tells`: the person who asked hears of it. `undo`: whoever took it may take it back
    for some minutes (see undo.py).
    """

    name: str
    label: Text
    source: tuple[State, ...]
    target: State | None
    who: tuple[str, ...]
    reason: bool = False
    tells: bool = True
    undo: bool = False


N, A, W, Q, R, C, X, M = State
TABLE = (
    #          name        label                          from             to    who                     must say why
    Transition("accept", _("Accept"), (N,), A, (OFFICER,), undo=True),
    Transition("start", _("Start work"), (N, A), W, (OFFICER,), undo=True),
    Transition("ask", _("Ask the resident"), (N, A, W), Q, (OFFICER,), reason=True, undo=True),
    Transition("answer", _("Answer"), (Q,), W, (REQUESTER, OFFICER), reason=True, tells=False),
    Transition("resolve", _("Resolve"), (N, A, W, Q), R, (OFFICER,), undo=True),
    Transition("confirm", _("Confirm"), (R,), C, (REQUESTER, CITY), tells=False),
    Transition("reopen", _("Reopen"), (R, C, X), A, (REQUESTER, OFFICER), reason=True),
    Transition("reject", _("Do not take on"), (N, A, W, Q), X, (OFFICER,), reason=True, undo=True),
    Transition("transfer", _("Give to another agency"), (N, A, W, Q), N, (OFFICER,), reason=True),
    Transition("merge", _("Merge into another"), (N, A, W, Q), M, (OFFICER,), undo=True),
    Transition("assign", _("Assign"), (N, A, W, Q), None, (OFFICER,), tells=False, undo=True),
)
UNDO = Transition("undo", _("Undo"), tuple(State), None, (OFFICER,))
"""Not of the table: where it leads is told by the step that is taken back."""
TRANSITIONS = {transition.name: transition for transition in TABLE}


def possible(state: str, who: str) -> list[Transition]:
    """What `who` may do with a case that stands at `state`."""
    return [transition for transition in TABLE if state in transition.source and who in transition.who]
