"""What the city offers its residents, by need: each service with what people want of it most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.indicators.reading import Reading, headlines
from cityhall.kernel.service import Group, Service, Text
from cityhall.kernel.skills.declares import Skill
from cityhall.web.declares import Card

GROUPS: dict[Group, Text] = {
    "around": _("Get around"),
    "help": _("Report and get help"),
    "pay": _("Pay and book"),
    "part": _("Take part"),
    "see": _("See the city"),
}
"""The needs, in the order in which they are shown."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A service as it is offered: the template of its card on the front page, "" for none; its numbers now.

    `verbs` are what may be done there, (what, address).
    """

    service: Service
    card: str
    verbs: list[tuple[Text, str]]
    numbers: list[Reading]

    @property
    def live(self) -> bool:
        """Whether its numbers say more than its summary."""
        return bool(self.numbers)


def offers() -> list[Offer]:
    """Every service with a page of its own, in the order of needs and of the services' rank."""
    numbers: dict[str, list[Reading]] = {}
    for one in headlines():
        numbers.setdefault(one.service.slug, []).append(one)
    order = list(GROUPS)
    shown = sorted(
        (service for service in settings.SERVICES if service.home),
        key=lambda service: (order.index(service.group), service.rank, service.slug),
    )
    return [Offer(one, _card(one), _verbs(one), numbers.get(one.slug, [])) for one in shown]


def _verbs(service: Service) -> list[tuple[Text, str]]:
    """What the manifest says, else the service's skills that have a page."""
    return list(service.verbs) or [(skill.name, skill.page) for skill in service.of(Skill) if skill.page]


def _card(service: Service) -> str:
    return next((card.template for card in service.of(Card)), "")


def groups() -> list[dict[str, Any]]:
    """The needs that some service meets: {"slug", "name", "offers"}."""
    found = offers()
    made = [
        {"slug": slug, "name": name, "offers": [one for one in found if one.service.group == slug]}
        for slug, name in GROUPS.items()
    ]
    return [group for group in made if group["offers"]]
