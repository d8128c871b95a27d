"""Doing what a skill says, with what somebody said."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from cityhall.kernel.errors import Invalid, Missing
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.service import declared, resolve
from cityhall.kernel.skills.declares import Skill


def skill_of(service: str, slug: str) -> Skill:
    """A skill by its service's slug and its own. Raises Missing."""
    for owner, skill in declared(Skill):
        if owner.slug == service and skill.slug == slug:
            return skill
    raise Missing(_("There is no such skill."), code="no_such_skill", mend=_("GET /api/skills/ lists them."))


def do(actor: Actor, skill: Skill, slots: Mapping[str, str]) -> dict[str, Any]:
    """Does it; gives what the action gives, in which "text" is what to answer.

    Raises Invalid for a slot that the skill has not, or that it cannot do without; and what the action raises.
    """
    for name in slots:
        if name not in skill.slots:
            known = ", ".join(skill.slots)
            raise Invalid(
                _("This skill has no %(slot)s.") % {"slot": name[:50]},
                code="no_such_slot",
                field="slots",
                mend=_("It takes: %(slots)s.") % {"slots": known},
            )
    action = resolve(skill.action)
    needed = [
        name
        for name, parameter in inspect.signature(action).parameters.items()
        if name in skill.slots and parameter.default is inspect.Parameter.empty
    ]
    for name in needed:
        if not slots.get(name, "").strip():
            raise Invalid(_("Something is missing: %(slot)s.") % {"slot": name}, code="missing_slot", field="slots")
    done: dict[str, Any] = action(actor, **slots)
    return done
