"""What the city keeps for whoever asks, section by section, and what of it waits for them."""

from __future__ import annotations

from dataclasses import dataclass

from cityhall.kernel.people.actors import Actor
from cityhall.kernel.service import Service, declared, resolve
from cityhall.web.declares import Mine, WrongNow
from cityhall.web.rows import Row


@dataclass(frozen=True, slots=True)
class Section:
    """What one service keeps of a kind for somebody; no rows where there is nothing."""

    service: Service
    mine: Mine
    rows: list[Row]

    @property
    def id(self) -> str:
        """A name that no other section of the page has."""
        return f"{self.service.slug}-{self.mine.slug}"


def sections(actor: Actor) -> list[Section]:
    """Every section in the services' order, what holds something first."""
    found = [Section(service, item, resolve(item.rows)(actor)) for service, item in declared(Mine)]
    return sorted(found, key=lambda section: not section.rows)


def waiting_for(actor: Actor) -> list[Row]:
    """What of it waits for somebody to do something; nothing for nobody."""
    if actor.person_id is None:
        return []
    return [row for section in sections(actor) for row in section.rows if row.waits]


def wrong_now() -> list[Row]:
    """What is out of the ordinary in the city now."""
    return [row for _service, item in declared(WrongNow) for row in resolve(item.rows)()]
