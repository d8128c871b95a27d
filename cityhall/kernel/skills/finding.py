"""Which skill somebody means: by the words they share with its name and examples, in every language of the city.

Plain search, until a conversation understands more.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.utils import translation

from cityhall.kernel.places.folding import fold, trigrams
from cityhall.kernel.service import Service, declared
from cityhall.kernel.skills.declares import Skill

LIKE = 0.3
"""The least share of what was asked that a skill's words must hold."""


@dataclass(frozen=True, slots=True)
class Found:
    """A skill and how like it is to what was asked: 0 to 1."""

    service: Service
    skill: Skill
    likeness: float

    @property
    def name(self) -> str:
        """What it is called under."""
        return f"{self.service.slug}.{self.skill.slug}"


def find(asked: str, most: int = 5) -> list[Found]:
    """The skills most like what was asked, the likest first; every skill, in its order, where nothing is asked."""
    pieces = set(trigrams(fold(asked[:200])))
    found = [Found(service, skill, _likeness(pieces, skill)) for service, skill in declared(Skill)]
    if not pieces:
        return found
    like = [one for one in found if one.likeness >= LIKE]
    return sorted(like, key=lambda one: -one.likeness)[:most]


def _likeness(pieces: set[str], skill: Skill) -> float:
    """The share of the asked pieces that the likest of the skill's texts holds."""
    if not pieces:
        return 1.0
    return max(len(pieces & set(trigrams(fold(text)))) / len(pieces) for text in _texts(skill))


def _texts(skill: Skill) -> list[str]:
    texts = []
    for code, _name in settings.LANGUAGES:
        with translation.override(code):
            texts += [str(text) for text in (skill.name, *skill.examples)]
    return texts
