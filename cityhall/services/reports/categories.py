"""The categories: read from the city's own file or ours, and the agencies that answer for them."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from cityhall.engines import pictures
from cityhall.kernel.cases.agencies import keep_agencies
from cityhall.kernel.cases.models import Agency
from cityhall.kernel.errors import Invalid
from cityhall.kernel.people.actors import system
from cityhall.kernel.reference import Reference
from cityhall.services.reports.models import Category, RuleSet
from cityhall.services.reports.questions import checked

OURS = Path(__file__).with_name("categories.toml")


def options() -> dict[str, Any]:
    """`[service.reports]` of city.toml."""
    found: dict[str, Any] = settings.CITY.options.get("reports", {})
    return found


def load(progress: Callable[[str, float], None]) -> None:
    """Makes agencies and categories what the file says, and teaches the suggestion.

    One that the file does not name any more can no longer be chosen, but keeps its reports. Raises Invalid for a file
    that cannot be used; then nothing is changed.
    """
    from cityhall.services.reports import suggestion

    progress("categories", 0.1)
    named = options().get("categories")
    path = Path(settings.CITY_FOLDER) / str(named) if named else OURS
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
        with transaction.atomic():
            agencies = {slug: (one["name"], one.get("superior", "")) for slug, one in values["agencies"].items()}
            keep_agencies(system("reports"), agencies)
            _categories(values)
            choosable.changed()
    except (OSError, KeyError, TypeError, ValueError) as problem:
        raise Invalid(
            _("%(file)s cannot be used: %(why)s.") % {"file": path.name, "why": repr(problem)},
            mend=_("Write it as cityhall/services/reports/categories.toml is written."),
        ) from problem
    progress("suggestions", 0.6)
    suggestion.train()


def _categories(values: dict[str, Any]) -> None:
    known = {agency.slug: agency for agency in Agency.objects.all()}
    groups = {}
    for place, (slug, names) in enumerate(values["groups"].items()):
        groups[slug], _made = Category.objects.update_or_create(
            slug=f"group-{slug}", defaults={"names": names, "order": place, "active": False, "parent": None}
        )
    for place, item in enumerate(values["category"]):
        fields = {name: item[name] for name in ("hours", "calendar", "near_m", "color", "sensitive") if name in item}
        Category.objects.update_or_create(
            slug=item["slug"],
            defaults={
                "parent": groups[item["group"]],
                "agency": known[item["agency"]],
                "names": item["names"],
                "words": item["words"],
                "asks": checked(item.get("asks", [])),
                "sees": _classes(item.get("sees", [])),
                "order": place,
                "active": True,
                **fields,
            },
        )
    named = [item["slug"] for item in values["category"]]
    Category.objects.exclude(slug__in=named).filter(agency__isnull=False).update(active=False)
    if not RuleSet.objects.exists():
        RuleSet.objects.create(state=RuleSet.State.IN_SERVICE, note="")


def _classes(wanted: list[str]) -> list[str]:
    unknown = sorted(set(wanted) - set(pictures.names()))
    if unknown:
        raise ValueError(f"ImageNet has no class {', '.join(unknown)}")
    return wanted


def _choosable() -> dict[str, Category]:
    active = Category.objects.filter(active=True).select_related("agency", "parent")
    return {category.slug: category for category in active.defer("words", "parent__words")}


choosable = Reference(_choosable)
"""The categories that can be reported, by slug."""


def chosen(slug: str) -> Category:
    """A category that can be reported. Raises Invalid."""
    found = choosable().get(slug)
    if found is None:
        raise Invalid(
            _("There is no such category."),
            code="no_such_category",
            field="category",
            mend=_("Choose one of the list."),
        )
    return found


def names() -> dict[str, str]:
    """Every category's name in the reader's language, by its slug."""
    return {category.slug: category.name for category in Category.objects.all()}


def tree() -> list[tuple[Category, list[Category]]]:
    """The groups with their categories that can be chosen, in order."""
    found: dict[int, tuple[Category, list[Category]]] = {}
    for category in Category.objects.filter(active=True, parent__isnull=False).select_related("parent"):
        assert category.parent is not None
        found.setdefault(category.parent_id or 0, (category.parent, []))[1].append(category)
    return sorted(found.values(), key=lambda pair: pair[0].order)
