"""Bodies of requests that are not whole yet: how much of them lies here at once, of one source and of all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import RequestDataTooBig

from cityhall.web.crowd import source_of

Receive = Callable[[], Awaitable[dict[str, Any]]]
LARGEST = 120_000_000
"""Bytes of a body: the largest file that any page takes, a data set, and a form round it."""
SOURCE_BYTES = 2 * LARGEST
"""Bytes of a source's bodies that a process holds at once: an office may send two data sets."""
ALL_BYTES = 8 * LARGEST
"""Bytes of everybody's bodies that a process holds at once."""
FREE = 64_000
"""Bytes of a body that are not counted: nearly every form has less."""


class TooMuchAtOnce(Exception):
    """There is no room for more of a body now."""


class Bodies:
    """What a process holds of bodies. For one event loop."""

    def __init__(self) -> None:
        self._of: Counter[str] = Counter()

    @contextmanager
    def counted(self, scope: dict[str, Any], receive: Receive) -> Iterator[Receive]:
        """`receive`, but raising RequestDataTooBig past LARGEST, TooMuchAtOnce where there is no room.

        What was counted is given back at the end: keep it open for as long as the body is kept.
        """
        taken = held = 0
        source = ""

        async def counting() -> dict[str, Any]:
            nonlocal taken, held, source
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > LARGEST:
                raise RequestDataTooBig(f"A request has at most {LARGEST // 1_000_000} MB.")
            if taken > FREE and taken > held:
                source = source or f"from {source_of(scope)}"
                self._of[source] += taken - held
                held = taken
                if self._of[source] > SOURCE_BYTES or self._of.total() > ALL_BYTES:
                    raise TooMuchAtOnce
            return message

        try:
            yield counting
        finally:
            if held:
                self._of[source] -= held
                self._of += Counter()
