"""A bad network between callers and city: what passes is doubled, delayed, overtaken and cut off in the middle.

One way in for MQTT, to a broker, and one for HTTP, to the web; both know where a message ends.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

HOST = "127.0.0.1"
PUBLISH = 3


@dataclass(frozen=True)
class Chances:
    """How often what befalls a message, as shares; delays are evenly up to `longest_s`, so that later ones overtake."""

    double: float = 0.06
    delay: float = 0.2
    longest_s: float = 0.8
    cut: float = 0.015


def packets(data: bytes) -> tuple[list[bytes], bytes]:
    """Whole MQTT packets (3.1.1, section 2.2: type, length in sevens of bits, the rest), and what is left over."""
    found, at = [], 0
    while True:
        length, shift, head = 0, 0, at + 1
        while head < len(data):
            length |= (data[head] & 0x7F) << shift
            shift += 7
            head += 1
            if data[head - 1] < 0x80:
                break
        else:
            return found, data[at:]
        if head + length > len(data):
            return found, data[at:]
        found.append(data[at : head + length])
        at = head + length


@dataclass
class Between:
    """Both ways in. `mqtt` and `http` are the ports behind them."""

    mqtt: int
    http: int
    chance: random.Random
    chances: Chances = Chances()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[tuple[int, int]]:
        """The ports that callers use instead."""
        servers = [await asyncio.start_server(take, HOST, 0) for take in (self._mqtt, self._http)]
        try:
            ports = [server.sockets[0].getsockname()[1] for server in servers]
            yield ports[0], ports[1]
        finally:
            for server in servers:
                server.close()

    def _happens(self, share: float) -> bool:
        return self.chance.random() < share

    def _wait(self) -> float:
        return self.chance.uniform(0, self.chances.longest_s) if self._happens(self.chances.delay) else 0.0

    async def _mqtt(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection(HOST, self.mqtt)
        except OSError:
            writer.close()
            return
        ways = [asyncio.create_task(self._pass(*way)) for way in ((reader, back), (there, writer))]
        with suppress(asyncio.CancelledError):
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        for end in (writer, back):
            end.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One direction; ends where the connection is cut."""
        rest, loop = b"", asyncio.get_running_loop()
        with suppress(OSError):
            while data := await reader.read(65_536):
                whole, rest = packets(rest + data)
                for one in whole:
                    if one[0] >> 4 != PUBLISH:
                        writer.write(one)
                        continue
                    if self._happens(self.chances.cut):
                        writer.write(one[: len(one) // 2])
                        # What is still on its way goes nowhere.
                        writer.close()
                        return
                    for _time in range(2 if self._happens(self.chances.double) else 1):
                        loop.call_later(self._wait(), _write, writer, one)

    async def _http(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request and its answer."""
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError, ValueError):
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
            asked = head + await reader.readexactly(length)
            await asyncio.sleep(self._wait())
            if self._happens(self.chances.cut):
                # Half of it comes there.
                await self._ask(asked[: len(head) + length // 2], half=True)
            else:
                asks = [self._ask(asked) for _time in range(2 if self._happens(self.chances.double) else 1)]
                answers = await asyncio.gather(*asks, return_exceptions=True)
                await asyncio.sleep(self._wait())
                if isinstance(answers[-1], bytes) and not self._happens(self.chances.cut):
                    writer.write(answers[-1])
                    await writer.drain()
        writer.close()

    async def _ask(self, asked: bytes, *, half: bool = False) -> bytes:
        reader, writer = await asyncio.open_connection(HOST, self.http)
        try:
            writer.write(asked)
            await writer.drain()
            return b"" if half else await reader.read()
        finally:
            writer.close()


def _write(writer: asyncio.StreamWriter, data: bytes) -> None:
    if not writer.is_closing():
        writer.write(data)
