"""Roles and permissions in people's words."""

from __future__ import annotations

from cityhall.kernel.people.permissions import roles
from cityhall.kernel.service import city_services


def role_name(role: str) -> str:
    """A role as people read it, with its service: "Dispatcher (Buses and journeys)"; as it is where nobody has it."""
    known = roles().get(role)
    if known is None:
        return role
    services = {service.slug: str(service.name) for service in city_services()}
    service = services.get(role.partition(".")[0])
    return f"{known.name} ({service})" if service else str(known.name)
