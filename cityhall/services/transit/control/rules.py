"""What is out of the ordinary: one table. A city sets its own thresholds in city.toml, rule by rule:

    [service.transit.fleet_room]
    late = [300, 240]

The first number begins an episode, the second, nearer to the ordinary, ends it: between them nothing changes, so a bus
that hovers about a threshold is told of once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.errors import Invalid
from cityhall.kernel.service import Text


@dataclass(frozen=True, slots=True)
class Rule:
    """`begins` and `ends` are in `unit`; the value must stand for `after_s` to begin and be gone for `clear_s` to end.

    `below` rules begin when the value falls to `begins`. `level` is "bad" where somebody must act, "warn" where one
    should know. `tells` sends dispatchers a notification.
    """

    slug: str
    name: Text
    begins: float
    ends: float
    unit: str
    after_s: float
    clear_s: float
    level: str = "warn"
    below: bool = False
    tells: bool = False

    def begun(self, value: float) -> bool:
        return value <= self.begins if self.below else value >= self.begins

    def goes_on(self, value: float) -> bool:
        return value <= self.ends if self.below else value >= self.ends


RULES = (
    #    slug         name                  begins  ends  unit  after_s clear_s
    # On time is -1 to +5 minutes (Transit Capacity and Quality of Service Manual, 3rd ed., exhibit 5-14).
    Rule("late", _("late"), 300, 240, "s", 20, 20),
    Rule("early", _("early"), 60, 30, "s", 20, 20),
    # A gap under a quarter of what it should be: two buses that do the work of one (ibid., section 5).
    Rule("bunched", _("bunched"), 0.25, 0.4, "gap", 30, 45, below=True),
    Rule("off_route", _("off its route"), 1, 1, "", 20, 20, "bad", tells=True),
    Rule("wrong_way", _("wrong way"), 1, 1, "", 10, 20, "bad", tells=True),
    Rule("silent", _("silent"), 60, 30, "s", 0, 0, "bad", tells=True),
    # Longer than any light is red, away from a stop.
    Rule("standing", _("standing still"), 240, 30, "s", 0, 10, "bad", tells=True),
    # 50 km/h in towns and a tolerance, m/s.
    Rule("speeding", _("speeding"), 15.3, 14.2, "m/s", 4, 10),
    # Beyond 3.4 m/s² even people who sit are thrown forward (AASHTO, A Policy on Geometric Design, section 3.2.2).
    Rule("braking", _("hard braking"), 3.4, 3.4, "m/s²", 0, 15),
)
BY_SLUG = {rule.slug: rule for rule in RULES}


def rules() -> tuple[Rule, ...]:
    """The table with the city's own thresholds. Raises Invalid for one that cannot be."""
    own: dict[str, Any] = settings.CITY.options.get("transit", {}).get("fleet_room", {})
    unknown = set(own) - set(BY_SLUG) - {"on_time"}
    if unknown:
        raise _wrong(", ".join(sorted(unknown)), ", ".join(BY_SLUG))
    return tuple(_own(rule, own[rule.slug]) if rule.slug in own else rule for rule in RULES)


def _own(rule: Rule, thresholds: Any) -> Rule:
    try:
        begins, ends = (float(value) for value in thresholds)
    except (TypeError, ValueError):
        raise _wrong(rule.slug, "[begins, ends]") from None
    if (begins > ends) if rule.below else (begins < ends):
        raise _wrong(rule.slug, _("the second number nearer to the ordinary than the first"))
    return replace(rule, begins=begins, ends=ends)


def on_time() -> tuple[float, float]:
    """Seconds before and after its time within which a bus is on time; the city's `on_time`, or -60 to 300."""
    own = settings.CITY.options.get("transit", {}).get("fleet_room", {}).get("on_time", [-60, 300])
    try:
        early, late = (float(value) for value in own)
    except (TypeError, ValueError):
        raise _wrong("on_time", "[-60, 300]") from None
    return early, late


def _wrong(what: str, wanted: Any) -> Invalid:
    return Invalid(
        _("[service.transit.fleet_room] in city.toml is not right: %(what)s.") % {"what": what},
        mend=_("Wanted: %(wanted)s.") % {"wanted": wanted},
    )
