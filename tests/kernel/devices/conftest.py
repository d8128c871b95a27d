"""Devices of a made-up tram service."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from importlib import import_module

import pytest

from cityhall.kernel import service
from cityhall.kernel.devices import drops, receive, registry
from cityhall.kernel.devices.models import Device
from cityhall.kernel.people.actors import system
from cityhall.simulator.signing import Signer
from tests.kernel.devices import door

BUILDER = system("test")
Make = Callable[..., tuple[Device, Signer]]


@pytest.fixture(autouse=True)
def trams(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    # The addresses are those of the whole city, whichever test asks for one first.
    import_module("cityhall.urls")
    monkeypatch.setattr(service, "city_services", lambda: (door.SERVICE, door.OTHER))
    receive.forget()
    # The writer's thread would commit outside of the test's transaction.
    monkeypatch.setattr(drops, "_writer", threading.current_thread())
    drops._pending.clear()
    door.TAKEN.clear()
    door.FAULT.clear()
    yield
    drops._pending.clear()


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
