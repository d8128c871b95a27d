"""The desks of the city: where whoever holds a role works, and how much waits there."""

from __future__ import annotations

from dataclasses import dataclass

from cityhall.kernel.people.actors import Actor, person_actor
from cityhall.kernel.people.declares import Desk
from cityhall.kernel.people.models import Person
from cityhall.kernel.people.permissions import permissions_of
from cityhall.kernel.service import Service, declared, resolve


@dataclass(frozen=True, slots=True)
class Opened:
    """A desk and what is on it for somebody: `waiting` and `late` are None where the desk has no such number."""

    service: Service
    desk: Desk
    waiting: int | None
    late: int | None


def desks_of(person: Person) -> list[tuple[Service, Desk]]:
    """The desks that a person's roles open, by the services' order."""
    held = permissions_of(person)
    return [(service, desk) for service, desk in declared(Desk) if desk.permission in held]


def opened_by(person: Person) -> list[Opened]:
    """The same, with how much waits and how much of it is late."""
    actor = person_actor(person)
    return [
        Opened(service, desk, _count(desk.waiting, actor), _count(desk.late, actor))
        for service, desk in desks_of(person)
    ]


def _count(path: str, actor: Actor) -> int | None:
    return int(resolve(path)(actor)) if path else None
