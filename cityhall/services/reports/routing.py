"""Which agency a report goes to: rules that an officer can read, try on past reports, and put back.

Rules are asked in order and the first that fits decides; where none does, the category's own agency. A rule is a
dict: `category`, `zone`, `asset` (a kind of named place within ASSET_M, such as "park") and `words` (any of them in
the text) say when it fits, and each may be left empty; `agency` and `hours` say what follows, `hours` may be empty.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.cases.models import Agency
from cityhall.kernel.errors import Conflict, Invalid, Missing
from cityhall.kernel.journal import append
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.permissions import require
from cityhall.kernel.places.folding import fold
from cityhall.kernel.places.models import PlaceName, Zone
from cityhall.kernel.places.point import Point, nearest
from cityhall.kernel.reference import Reference
from cityhall.kernel.values import whole
from cityhall.services.reports.models import Category, Report, RuleSet

Rule = dict[str, Any]
ASSET_M = 60.0
FIELDS = ("category", "zone", "asset", "words", "agency", "hours")
CONDITIONS = FIELDS[:4]
PERMISSION = "reports.change_rules"


def _in_service() -> list[Rule]:
    found = RuleSet.objects.filter(state=RuleSet.State.IN_SERVICE).values_list("rules", flat=True).first()
    return found or []


in_service = Reference(_in_service)
"""The rules now asked."""


def route(
    category: Category, zone: str, place: Point, text: str, rules: list[Rule] | None = None
) -> tuple[Agency, int]:
    """(agency, working hours to resolve) for a report. Raises Invalid for a category nobody answers for."""
    for rule in in_service() if rules is None else rules:
        if fits(rule, category, zone, place, text):
            agency = Agency.objects.filter(slug=rule["agency"]).first()
            if agency is not None:
                return agency, int(rule.get("hours") or category.hours)
    if category.agency is None:
        raise Invalid(_("No agency answers for this."), code="no_agency", field="category", mend=_("Choose another."))
    return category.agency, category.hours


def fits(rule: Rule, category: Category, zone: str, place: Point, text: str) -> bool:
    """Whether a rule speaks of such a report. The cheapest questions come first."""
    group = category.parent.slug if category.parent else ""
    if rule.get("category") and rule["category"] not in (category.slug, group):
        return False
    if rule.get("zone") and rule["zone"] != zone:
        return False
    if rule.get("words") and not set(fold(rule["words"]).split()) & set(fold(text).split()):
        return False
    return not rule.get("asset") or _is_near(rule["asset"], place)


def _is_near(kind: str, place: Point) -> bool:
    return bool(nearest(PlaceName.objects.filter(kind=kind), *place, count=1, within_m=ASSET_M))


def checked(rules: list[Rule]) -> list[Rule]:
    """Rules as they are kept. Raises Invalid, naming the rule, for what cannot be meant."""
    agencies = set(Agency.objects.values_list("slug", flat=True))
    categories = set(Category.objects.values_list("slug", flat=True))
    zones = set(Zone.objects.values_list("slug", flat=True))
    found = []
    for number, rule in enumerate(rules, start=1):
        made = {name: str(rule.get(name) or "").strip()[:200] for name in FIELDS}
        wrong = (
            (made["agency"] not in agencies and "agency")
            or (bool(made["category"]) and made["category"] not in categories and "category")
            or (bool(made["zone"]) and made["zone"] not in zones and "zone")
            or (bool(made["hours"]) and not whole(made["hours"], 9999) and "hours")
        )
        if wrong:
            raise Invalid(
                _("Rule %(number)d: %(field)s cannot be “%(value)s”.")
                % {"number": number, "field": wrong, "value": made[wrong]},
                code="bad_rule",
                field=str(wrong),
                mend=_("Choose one of the list."),
            )
        found.append({**made, "hours": int(made["hours"]) if made["hours"] else None})
    return found


@dataclass(frozen=True, slots=True)
class Trial:
    """What rules would have done with past reports.

    `right`: reports that they send where the case ended; `before` the same for the rules in service. `moved`: of those
    now in service and these, where they differ: (from, to) -> how many.
    """

    reports: int
    right: int
    before: int
    moved: dict[tuple[str, str], int]


def try_rules(actor: Actor, rules: list[Rule], count: int = 500) -> Trial:
    """Tries rules on the latest reports. Where a case is now is taken as right: officers have moved what was not.

    Raises Denied, Invalid.
    """
    require(actor, PERMISSION)
    rules, old = checked(rules), in_service()
    moved: Counter[tuple[str, str]] = Counter()
    right = before = reports = 0
    past = Report.objects.select_related("category__parent", "category__agency", "case__agency").order_by("-filed_at")
    for report in past[:count]:
        asked = (report.category, report.zone, report.point, report.text)
        new_agency, was = route(*asked, rules=rules)[0], route(*asked, rules=old)[0]
        reports += 1
        right += new_agency == report.case.agency
        before += was == report.case.agency
        if new_agency != was:
            moved[was.name, new_agency.name] += 1
    return Trial(reports, right, before, dict(moved))


@dataclass(frozen=True, slots=True)
class Difference:
    """What becomes of one rule: `what` is "added", "removed", "changed" or "moved"; its places count from 1."""

    what: str
    was: Rule
    now: Rule
    was_at: int | None
    now_at: int | None


def differences(old: list[Rule], new: list[Rule]) -> list[Difference]:
    """What putting `new` in the place of `old` changes. A rule that speaks of the same reports is the same rule."""
    pairs = _same_rules(old, new)
    mine, theirs = list(pairs), sorted(pairs, key=lambda place: pairs[place])
    blocks = SequenceMatcher(None, mine, theirs, autojunk=False).get_matching_blocks()
    stayed = {place for block in blocks for place in mine[block.a : block.a + block.size]}
    found = [Difference("removed", rule, {}, place + 1, None) for place, rule in enumerate(old) if place not in pairs]
    come_from = {there: here for here, there in pairs.items()}
    for place, rule in enumerate(new):
        if place not in come_from:
            found.append(Difference("added", {}, rule, None, place + 1))
            continue
        here = come_from[place]
        changed = _terms(old[here], FIELDS) != _terms(rule, FIELDS)
        if changed or here not in stayed:
            found.append(Difference("changed" if changed else "moved", old[here], rule, here + 1, place + 1))
    return found


def _terms(rule: Rule, fields: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(str(rule.get(name) or "") for name in fields)


def _same_rules(old: list[Rule], new: list[Rule]) -> dict[int, int]:
    """The place of a rule in `old` -> in `new`, in the order of `old`; those that are wholly the same come first."""
    pairs: dict[int, int] = {}
    for fields in (FIELDS, CONDITIONS):
        free: dict[tuple[str, ...], list[int]] = {}
        for place, rule in enumerate(new):
            if place not in pairs.values():
                free.setdefault(_terms(rule, fields), []).append(place)
        for place, rule in enumerate(old):
            if place not in pairs and (places := free.get(_terms(rule, fields))):
                pairs[place] = places.pop(0)
    return dict(sorted(pairs.items()))


@transaction.atomic
def save_rules(actor: Actor, rules: list[Rule], note: str) -> RuleSet:
    """Puts rules in service as a new version. Raises Denied, Invalid."""
    require(actor, PERMISSION)
    _take_turn()
    made = RuleSet.objects.create(rules=checked(rules), note=note[:300], author_id=actor.person_id)
    return _put_in_service(actor, made)


@transaction.atomic
def roll_back(actor: Actor, version: int, *, instead_of: int | None = None) -> RuleSet:
    """Puts an earlier version in service again, `instead_of` the one that it was compared with.

    Raises Denied, Missing, Invalid, and Conflict where it is in service, or another is by now.
    """
    require(actor, PERMISSION)
    # What is in service is looked at when nobody can change it any more.
    _take_turn()
    found = RuleSet.objects.filter(pk=version).first()
    if found is None:
        raise Missing(_("There is no such version."), code="no_such_version")
    if found.state == RuleSet.State.IN_SERVICE:
        raise Conflict(_("It is in service already."), code="in_service")
    if instead_of is not None and not RuleSet.objects.filter(pk=instead_of, state=RuleSet.State.IN_SERVICE).exists():
        raise Conflict(
            _("Other rules are in service by now."), code="stale", mend=_("Look again at what would change.")
        )
    checked(found.rules)
    return _put_in_service(actor, found)


def _take_turn() -> None:
    """Who comes at the same moment waits for the other: the oldest version, which stays, stands for all of them."""
    RuleSet.objects.select_for_update(of=("self",)).order_by("pk").first()


def _put_in_service(actor: Actor, version: RuleSet) -> RuleSet:
    RuleSet.objects.filter(state=RuleSet.State.IN_SERVICE).update(state=RuleSet.State.RETIRED)
    version.state, version.used_at = RuleSet.State.IN_SERVICE, timezone.now()
    version.save()
    in_service.changed()
    append("reports", "rules.in_service", {"version": version.pk}, subject="rules", actor=str(actor))
    return version
