"""Asking what another service of the city provides, whichever that is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from cityhall.kernel.ports.declares import Provides
from cityhall.kernel.service import ServiceError, declared, resolve

P = TypeVar("P")


def ask(port: Callable[..., P]) -> P | None:
    """What answers a port, the Protocol itself; None where no service of the city does.

    That nobody can answer is not the answer that there is nothing. Raises ServiceError where two services provide it.
    """
    found = [(owner, item.path) for owner, item in declared(Provides) if item.port is port]
    if len(found) > 1:
        raise ServiceError(
            f"{' and '.join(owner.slug for owner, _path in found)} both provide {getattr(port, '__name__', port)}: "
            "take one of them out of `services` in city.toml, or the declaration out of its manifest"
        )
    provider: P | None = resolve(found[0][1]) if found else None
    return provider
