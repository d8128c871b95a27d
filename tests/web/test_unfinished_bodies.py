"""Bodies that are sent and never ended: what lies here of them has a limit, and a time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from cityhall.web import bodies, crowd
from cityhall.web.handler import Handler
from tests.web.test_handler import Caller, handler

pytestmark = pytest.mark.attack

__all__ = ["handler"]
PART = b"x" * 100_000


class Unfinished(Caller):
    """A connection that sends a body's beginning and then nothing, until it is told to hang up."""

    def __init__(self, target: str, address: str, parts: int) -> None:
        super().__init__(target, *[PART] * parts, method="POST")
        self.scope["client"] = (address, 1)

    async def _receive(self) -> dict[str, Any]:
        if self._parts:
            return {"type": "http.request", "body": self._parts.pop(0), "more_body": True}
        return await super()._receive()

    def hang_up(self) -> None:
        self._gone.set()


@pytest.mark.parametrize("target", ["/echo", "/waiting/1"])
def test_unfinished_bodies_of_one_source_are_limited(
    handler: Handler, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    monkeypatch.setattr(bodies, "SOURCE_BYTES", 1_000_000)
    monkeypatch.setattr(bodies, "ALL_BYTES", 1_500_000)

    async def play() -> None:
        callers = [Unfinished(target, f"2001:db8::{n}", 3) for n in range(10)]
        calls = [asyncio.create_task(caller.call(handler)) for caller in callers]
        while sum(call.done() for call in calls) < 7:
            await asyncio.sleep(0.01)
        assert sorted(caller.status for caller in callers) == [0] * 3 + [429] * 7, "three have 900 kB: that is the room"
        neighbour = Unfinished(target, "192.0.2.1", 5)
        other = asyncio.create_task(neighbour.call(handler))
        last = await Unfinished(target, "192.0.2.2", 5).call(handler)
        assert last.status == 429 and last.headers[b"Retry-After"] == b"30" and not other.done()
        for caller in (*callers, neighbour):
            caller.hang_up()
        await asyncio.gather(other, *calls)
        after = await Caller("/echo", PART, PART, method="OPTIONS").call(handler)
        assert after.status == 200, "what is over is given back"

    asyncio.run(play())


def test_a_body_that_does_not_end_is_given_up(handler: Handler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowd, "SILENT_S", 0.05)
    assert asyncio.run(Unfinished("/echo", "192.0.2.1", 2).call(handler)).status == 408
