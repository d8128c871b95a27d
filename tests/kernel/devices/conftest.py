"""Devices of a made-up tram service."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from importlib import import_module

import pytest

from cityhall.kernel import service
from cityhall.kernel.devices import drops, registry, signers
from cityhall.kernel.devices.models import Device
from cityhall.kernel.people.actors import system
from cityhall.kernel.vehicles import kinds
from cityhall.simulator.signing import Signer
from tests.kernel.devices import door

BUILDER = system("test")
Make = Callable[..., tuple[Device, Signer]]


@pytest.fixture(autouse=True)
def trams(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    # The addresses are those of the whole city, whichever test asks for one first.
    import_module("cityhall.urls")
    monkeypatch.setattr(service, "city_services", lambda: (door.SERVICE, door.OTHER))
    signers.forget()
    # The writer's thread would commit outside of the test's transaction.
    monkeypatch.setattr(drops, "_writer", threading.current_thread())
    drops._pending.clear()
    door.TAKEN.clear()
    door.FAULT.clear()
    door.PRESSED.clear()
    yield
    drops._pending.clear()
    # What a devices process in a thread found of these made-up services is no other test's city.
    for kept in (kinds._kinds, kinds._public_kinds):
        kept.cache_clear()


@pytest.fixture
def make() -> Make:
    def register(public_id: str = "tram-1", **fields: object) -> tuple[Device, Signer]:
        device, key = registry.register(
            BUILDER,
            kind="tram",
            owner="trams",
            public_id=public_id,
            **fields,  # type: ignore[arg-type]
        )
        return device, Signer(public_id, key)

    return register
