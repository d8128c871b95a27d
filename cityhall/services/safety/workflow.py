"""What may happen to an alert: one table. Whoever changes the workflow changes this table and nothing else.

Terms are those of computer-aided dispatch: an *alert* is one call for help, a *unit* whom the city sends, an
*assignment* a unit's part in an alert. How far a unit is belongs to its assignment; an alert follows them.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

Text = str | Promise


class State(models.TextChoices):
    """Where an alert stands."""

    WAITING = "waiting", pgettext_lazy("alert", "waiting")
    ANSWERED = "answered", pgettext_lazy("alert", "answered")
    SENT = "sent", pgettext_lazy("alert", "unit on its way")
    THERE = "there", pgettext_lazy("alert", "unit there")
    CLOSED = "closed", pgettext_lazy("alert", "closed")
    MERGED = "merged", pgettext_lazy("alert", "part of another")


OPEN = (State.WAITING, State.ANSWERED, State.SENT, State.THERE)
"""Somebody must do something. What is merged is done with the alert that it is part of."""
HELD = (State.ANSWERED, State.SENT, State.THERE)
"""An operator has it."""

URGENT, USUAL = 0, 1
"""Priorities: the lower the sooner."""
EXERCISE_LATER = 10
"""So much is added to the priority of an exercise: none of them ever stands before the real thing."""
CALLER, OPERATOR, UNIT, CITY = "caller", "operator", "unit", "city"
"""Who may: whoever called for help, an operator of the desk, a unit that is sent, the program itself (time limits)."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step from any of `source` to `target` that any of `who` may take; None keeps the state."""

    name: str
    label: Text
    source: tuple[State, ...]
    target: State | None
    who: tuple[str, ...]


W, A, S, T, C, M = State
TABLE = (
    #    name         label                              from          to    who
    Step("press", _("Pressed again"), (W, A, S, T, M), None, (CALLER,)),
    Step("cancel", _("Called off by the caller"), (W, A, S, T, M), None, (CALLER,)),
    Step("escalate", _("Nobody answered in time"), (W,), None, (CITY,)),
    Step("answer", _("Answer"), (W,), A, (OPERATOR,)),
    Step("take_over", _("Take over"), (A, S, T), None, (OPERATOR,)),
    Step("put_back", _("Put back"), (A,), W, (OPERATOR,)),
    Step("remind", _("No unit was sent in time"), (A,), None, (CITY,)),
    Step("send", _("Send a unit"), (A, S, T), S, (OPERATOR,)),
    Step("arrive", _("A unit is there"), (S,), T, (UNIT, OPERATOR)),
    Step("recall", _("No unit is on its way any more"), (S, T), A, (UNIT, OPERATOR, CITY)),
    Step("end_exercise", _("The exercise is over"), (W, A, S, T, M), C, (CITY,)),
    Step("split", _("Another alert was split off"), (A, S, T), None, (OPERATOR,)),
    Step("close", _("Close"), (A, S, T), C, (OPERATOR,)),
    Step("hand_off", _("Another centre has it"), (W, A), C, (OPERATOR, CITY)),
    Step("reopen", _("Reopen"), (C,), W, (OPERATOR,)),
    Step("merge", _("Make it part of another"), (W, A, S, T), M, (OPERATOR,)),
    Step("attach", _("Attach to a major incident"), (W, A, S, T), None, (OPERATOR,)),
    Step("detach", _("Take out of the major incident"), (W, A, S, T, M), None, (OPERATOR,)),
    Step("stand_down", _("Stand-down of the major incident"), (W, A, S, T, M), None, (OPERATOR,)),
    Step("unmerge", _("Part it again"), (M,), W, (OPERATOR,)),
)
STEPS = {step.name: step for step in TABLE}


def after(state: str, name: str) -> State | None:
    """Where a step leads from a state; None where it cannot be taken from there.

    Raises KeyError for a step that there is not.
    """
    step = STEPS[name]
    if state not in step.source:
        return None
    return step.target if step.target is not None else State(state)


def possible(state: str, who: str) -> list[Step]:
    """What `who` may do with an alert that stands at `state`."""
    return [step for step in TABLE if state in step.source and who in step.who]
