"""Which kinds of vehicle the city's services run, and who may see or change those of each."""

from __future__ import annotations

from functools import lru_cache

from django.conf import settings
from django.utils.translation import gettext as _

from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.permissions import may
from cityhall.kernel.service import Service, ServiceError, declared
from cityhall.kernel.vehicles.declares import VehicleKind

ANY = "vehicles.change"
"""What it takes for vehicles of a kind that no service of the city declares (any more): no role gives it."""


def kinds() -> dict[str, tuple[Service, VehicleKind]]:
    """Every kind that the city's services declare, and whose it is. Raises ServiceError where two declare one."""
    return _kinds(settings.CITY.services)


@lru_cache(maxsize=8)
def _kinds(_services: tuple[str, ...]) -> dict[str, tuple[Service, VehicleKind]]:
    found: dict[str, tuple[Service, VehicleKind]] = {}
    for service, kind in declared(VehicleKind):
        if kind.slug in found:
            raise ServiceError(
                f"{found[kind.slug][0].slug} and {service.slug} both declare vehicles of the kind {kind.slug!r}: "
                "rename one in its manifest"
            )
        found[kind.slug] = service, kind
    return found


def public_kinds() -> tuple[str, ...]:
    """The kinds that everybody may see. One that nobody declares is not among them."""
    return _public_kinds(settings.CITY.services)


@lru_cache(maxsize=8)
def _public_kinds(_services: tuple[str, ...]) -> tuple[str, ...]:
    # Asked of every vehicle in every tick of the tracker.
    return tuple(slug for slug, (_service, kind) in kinds().items() if not kind.hidden)


def found_kind() -> str:
    """The kind of a vehicle that sends positions and that nobody has entered; "" where none may be found."""
    return next((slug for slug, (_service, kind) in kinds().items() if kind.found), "")


def name_of(slug: str) -> str:
    """The kind's name in the reader's language."""
    known = kinds().get(slug)
    return str(known[1].name) if known else slug or _("of no kind")


def owner_of(slug: str) -> str:
    """Slug of the service that runs vehicles of a kind; this room's where none does."""
    known = kinds().get(slug)
    return known[0].slug if known else "vehicles"


def scope_of(slug: str) -> str:
    """The scope that a role may be held for to see or change vehicles of a kind."""
    return f"service:{owner_of(slug)}"


def permission_to_change(slug: str) -> str:
    """What it takes to enter or change vehicles of a kind."""
    known = kinds().get(slug)
    return known[1].change if known else ANY


def may_change(actor: Actor, slug: str) -> bool:
    """Whether `actor` may enter and change vehicles of a kind."""
    return may(actor, permission_to_change(slug), scope_of(slug))


def seen_by(actor: Actor) -> list[str]:
    """The kinds whose vehicles an officer may see in the register; those may who may change them."""
    return [
        slug
        for slug, (_service, kind) in kinds().items()
        if may(actor, kind.see, scope_of(slug)) or may_change(actor, slug)
    ]
