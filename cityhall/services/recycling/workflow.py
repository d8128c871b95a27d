"""What may happen to a pickup: one table of who does what to which state, read by actions, pages and the API."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cityhall.kernel.errors import Conflict


class State(models.TextChoices):
    """Where a pickup stands. `ASKED`: no window was free, somebody has to promise one."""

    ASKED = "asked", pgettext_lazy("pickup", "asked for")
    PROMISED = "promised", pgettext_lazy("pickup", "promised")
    ON_WAY = "on_way", pgettext_lazy("pickup", "on the way")
    WEIGHED = "weighed", pgettext_lazy("pickup", "weighed")
    CONFIRMED = "confirmed", pgettext_lazy("pickup", "confirmed by you")
    CONTESTED = "contested", pgettext_lazy("pickup", "contested")
    SETTLED = "settled", pgettext_lazy("pickup", "settled")
    MISSED = "missed", pgettext_lazy("pickup", "not collected")
    CANCELLED = "cancelled", pgettext_lazy("pickup", "cancelled")


OPEN = (State.ASKED, State.PROMISED, State.ON_WAY)
"""Somebody still has to come."""
COLLECTED = (State.WEIGHED, State.CONFIRMED, State.CONTESTED, State.SETTLED)


@dataclass(frozen=True, slots=True)
class Step:
    """From which states something leads to which."""

    before: tuple[State, ...]
    after: State


STEPS: dict[str, Step] = {
    "promise": Step((State.ASKED,), State.PROMISED),
    "set_out": Step((State.PROMISED,), State.ON_WAY),
    "turn_back": Step((State.ON_WAY,), State.PROMISED),
    "arrive": Step((State.PROMISED, State.ON_WAY), State.ON_WAY),
    "weigh": Step((State.PROMISED, State.ON_WAY), State.WEIGHED),
    "miss": Step((State.PROMISED, State.ON_WAY), State.MISSED),
    "cancel": Step((State.ASKED, State.PROMISED), State.CANCELLED),
    "confirm": Step((State.WEIGHED,), State.CONFIRMED),
    "unconfirm": Step((State.CONFIRMED,), State.WEIGHED),
    "contest": Step((State.WEIGHED,), State.CONTESTED),
    "decide": Step((State.CONTESTED,), State.SETTLED),
    "settle": Step((State.WEIGHED, State.CONFIRMED), State.SETTLED),
}


class Why(models.TextChoices):
    """Why something was not collected."""

    NOBODY = "nobody", pgettext_lazy("not collected", "nobody opened")
    NOTHING = "nothing", pgettext_lazy("not collected", "nothing stood ready")
    SPOILED = "spoiled", pgettext_lazy("not collected", "what stood there cannot be recycled")
    NO_WAY = "no_way", pgettext_lazy("not collected", "the street was blocked")
    NO_ROOM = "no_room", pgettext_lazy("not collected", "the truck was full")
    LATE = "late", pgettext_lazy("not collected", "the crew could not come in time")


OURS = (Why.NO_WAY, Why.NO_ROOM, Why.LATE)
"""Reasons that are the city's own: the promised window was not kept."""


def can(step: str, state: str) -> bool:
    """Whether a step may be taken from a state."""
    return state in STEPS[step].before


def after(step: str, state: str) -> State:
    """The state to which a step leads. Raises Conflict, which says where the pickup stands."""
    if not can(step, state):
        raise Conflict(
            _("This cannot be done any more: the pickup is %(state)s.") % {"state": State(state).label},
            code=f"pickup_{state}",
            mend=_("Load the page again to see how it stands."),
        )
    return STEPS[step].after
