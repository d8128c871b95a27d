"""What officers most often tell riders: texts in the city's languages, filled in by a press and changed where needed.

`{where}` in a text becomes the lines and stops that the alert is about, in the text's language, when it is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from cityhall.services.transit.models import Cause, Effect, Severity
from cityhall.services.transit.realtime import wording

WHERE = "{where}"


@dataclass(frozen=True, slots=True)
class Occasion:
    """One kind of thing that happens."""

    slug: str
    name: Promise
    cause: Cause
    effect: Effect
    header: Promise
    description: Promise
    severity: Severity = Severity.WARNING

    def initial(self) -> dict[str, Any]:
        """What a form for an alert says at first, by the names of its fields."""
        said: dict[str, Any] = {"cause": self.cause, "effect": self.effect, "severity": self.severity}
        for name, text in (("header", self.header), ("description", self.description)):
            said |= {f"{name}_{code}": words for code, words in wording.in_languages(partial(str, text)).items()}
        return said


OCCASIONS = (
    Occasion(
        "delay",
        gettext_lazy("Delay"),
        Cause.UNKNOWN_CAUSE,
        Effect.SIGNIFICANT_DELAYS,
        gettext_lazy("{where}: delays"),
        gettext_lazy("You may have to wait longer than the timetable says."),
    ),
    Occasion(
        "detour",
        gettext_lazy("Detour"),
        Cause.CONSTRUCTION,
        Effect.DETOUR,
        gettext_lazy("{where}: goes another way"),
        gettext_lazy("Some stops are not served. The way that is taken is on the map."),
    ),
    Occasion(
        "closed",
        gettext_lazy("Stop closed"),
        Cause.CONSTRUCTION,
        Effect.MODIFIED_SERVICE,
        gettext_lazy("{where}: closed"),
        gettext_lazy("Buses do not call here. Please use the next stop."),
    ),
    Occasion(
        "cancelled",
        gettext_lazy("Trips cancelled"),
        Cause.UNKNOWN_CAUSE,
        Effect.REDUCED_SERVICE,
        gettext_lazy("{where}: some trips do not run"),
        gettext_lazy("Please take the next bus or another line."),
    ),
    Occasion(
        "strike",
        gettext_lazy("Strike"),
        Cause.STRIKE,
        Effect.REDUCED_SERVICE,
        gettext_lazy("{where}: strike"),
        gettext_lazy("Fewer buses run than the timetable says."),
        Severity.SEVERE,
    ),
    Occasion(
        "event",
        gettext_lazy("Event in the city"),
        Cause.OTHER_CAUSE,
        Effect.MODIFIED_SERVICE,
        gettext_lazy("{where}: changes because of an event"),
        gettext_lazy("Streets are closed and buses are full. Please plan more time."),
    ),
)
BY_SLUG = {one.slug: one for one in OCCASIONS}


def told(texts: dict[str, str], routes: Sequence[str], stops: Sequence[str]) -> dict[str, str]:
    """{language: text} with what the alert is about in the place of `{where}`: GTFS ids of lines and of stops."""
    lines, places = [wording.line_name(one) for one in routes], [wording.stop_name(one) for one in stops]
    where = wording.in_languages(lambda: _where(lines, places))
    return {code: text.replace(WHERE, where.get(code, "")) for code, text in texts.items()}


def _where(lines: list[str], places: list[str]) -> str:
    said = []
    if lines:
        said.append(ngettext("Line %(lines)s", "Lines %(lines)s", len(lines)) % {"lines": ", ".join(lines)})
    said += places
    return ", ".join(said) or _("All lines")
