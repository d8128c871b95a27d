"""HTTP API of skills: what may be asked for, which of it somebody means, and doing it."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Router, Schema
from ninja.params.functions import Query
from ninja.security import django_auth
from pydantic import Field, StringConstraints

from cityhall.kernel.people.actors import actor_of
from cityhall.kernel.skills.doing import do, skill_of
from cityhall.kernel.skills.finding import find

router = Router()
Said = Annotated[str, StringConstraints(max_length=2_000)]


class SkillOut(Schema):
    """What may be asked for: its `slots` are the values it takes; `page` is where it is done by hand."""

    service: str
    slug: str
    name: str
    examples: list[str]
    slots: list[str]
    page: str
    likeness: float


class Slots(Schema):
    """The values of a skill's slots, as they were said."""

    slots: dict[Annotated[str, StringConstraints(max_length=50)], Said] = Field(default_factory=dict, max_length=20)


@router.get("/", response=list[SkillOut], summary="What may be asked for")
def skills(request: HttpRequest, q: Annotated[str, StringConstraints(max_length=200)] = Query("")) -> list[Any]:
    """All of it, or what is most like `q`, in any of the city's languages; `likeness` is 0 to 1."""
    return [
        {
            "service": one.service.slug,
            "slug": one.skill.slug,
            "name": str(one.skill.name),
            "examples": [str(text) for text in one.skill.examples],
            "slots": list(one.skill.slots),
            "page": one.skill.page,
            "likeness": round(one.likeness, 3),
        }
        for one in find(q)
    ]


@router.post("/{service}/{slug}", auth=django_auth, summary="Do what a skill says")
def perform(request: HttpRequest, service: str, slug: str, body: Slots) -> dict[str, Any]:
    """Gives what was done, with a "text" to answer."""
    return do(actor_of(request), skill_of(service, slug), body.slots)
