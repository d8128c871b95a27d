"""Who presses: buttons by MQTT and HTTP, and telephones, each again and again until it has its receipt.

Some buttons send once, in the words of MQTT: what their broker has taken of them they do not send again. The city owes
them a receipt all the same, whichever of its processes dies.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import cast

import orjson

from cityhall.bench.alerts_load import packet, text
from cityhall.kernel import clock
from cityhall.simulator.signing import Signer
from tests.faults.between import HOST, PUBLISH, packets

DOORS = {"mqtt": 45, "once": 15, "http": 15, "both": 5, "phone": 20}
"""Of a hundred presses; "both": the very same comes by two ways at one moment."""
AGAIN_S, LONGEST_AGAIN_S = 1.0, 4.0
HTTP_AT_ONCE = 8
PATIENCE_S = 90.0
DAY_MS = 86_400_000
CLOCKS = (0, 0, 0, 0, 0, -DAY_MS, DAY_MS, None)
"""How far a button's clock is off, in ms; None: it begins in 1970."""


@dataclass(frozen=True)
class Pole:
    """A button: the number of its device, and what signs."""

    number: int
    signer: Signer


@dataclass
class Press:
    """One press. `subject`: what its receipt says that it has become, "" as long as there is none."""

    token: str
    door: str
    at: float
    pole: Pole | None
    body: bytes
    subject: str = ""
    taken: bool = False
    """The broker has it."""
    next: float = 0.0
    wait: float = AGAIN_S

    @property
    def device(self) -> int:
        return self.pole.number if self.pole else 0


def drawn(run: str, count: int, rate: float, poles: list[Pole], chance: random.Random) -> list[Press]:
    """So many presses of a run, so many a second."""
    made = []
    doors = chance.choices(list(DOORS), list(DOORS.values()), k=count)
    for number, door in enumerate(doors):
        token = f"{run}-{number:06}-{chance.getrandbits(32):08x}"
        if door == "phone":
            made.append(Press(token, door, number / rate, None, orjson.dumps({"key": token})))
            continue
        pole, off = chance.choice(poles), chance.choice(CLOCKS)
        sent = 1000 if off is None else round(clock.time() * 1000) + off
        body = pole.signer.envelope([{"kind": "press", "id": token}], sent_at=sent)
        made.append(Press(token, door, number / rate, pole, body))
    return made


@dataclass
class Line:
    """A connection to a broker that comes back whenever it is cut. `hear` is given all receipts that came at once."""

    port: int
    hear: Callable[[list[tuple[str, bytes]]], None]
    back: Callable[[], None] = lambda: None
    """Called when it is there (again)."""
    owed: dict[int, Press] = field(default_factory=dict)
    """By the packet's number: what the broker has not said to have."""
    _way: asyncio.WriteTransport | None = None
    _number: int = 0

    async def keep(self) -> None:
        """Holds it until it is cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            over = loop.create_future()
            with suppress(OSError):
                await loop.create_connection(lambda over=over: _Speaks(self, over), HOST, self.port)
                await over
            self._way = None
            await asyncio.sleep(0.1)

    def open(self, way: asyncio.WriteTransport) -> None:
        """Says who we are, and what we want to hear; no session is kept."""
        name = f"faults-{id(self)}"
        way.write(packet(0x10, text("MQTT") + b"\x04\x02\x00\x00" + text(name)))
        way.write(packet(0x82, b"\x00\x01" + text("cityhall/receipts/+") + b"\x00"))

    def ready(self, way: asyncio.WriteTransport) -> None:
        """The broker will tell us."""
        self._way = way
        waiting = list(self.owed.values())
        self.owed.clear()
        for press in waiting:
            self.send(press)
        self.back()

    def send(self, press: Press) -> bool:
        """Publishes with QoS 1; False where there is no connection."""
        if self._way is None or self._way.is_closing() or press.pole is None:
            return False
        self._number = self._number % 65_535 + 1
        self.owed[self._number] = press
        topic = text(f"cityhall/urgent/{press.pole.signer.device}")
        self._way.write(packet(0x32, topic + self._number.to_bytes(2, "big") + press.body))
        return True


class _Speaks(asyncio.Protocol):
    def __init__(self, line: Line, over: asyncio.Future[None]) -> None:
        self.line, self.over, self.rest = line, over, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.way = cast(asyncio.WriteTransport, transport)
        self.line.open(self.way)

    def connection_lost(self, problem: Exception | None) -> None:
        if not self.over.done():
            self.over.set_result(None)

    def data_received(self, data: bytes) -> None:
        whole, self.rest = packets(self.rest + data)
        heard = []
        for one in whole:
            kind, body = one[0] >> 4, one[2 if one[1] < 0x80 else 3 if one[2] < 0x80 else 4 :]
            if kind == PUBLISH:
                length = int.from_bytes(body[:2], "big")
                heard.append((body[2 : 2 + length].decode().rpartition("/")[2], body[2 + length :]))
            elif kind == 4 and (press := self.line.owed.pop(int.from_bytes(body[:2], "big"), None)):
                press.taken = True
            elif kind == 9:
                self.line.ready(self.way)
        if heard:
            self.line.hear(heard)


@dataclass
class Callers:
    """All of a run. `told` is called at once with the (device, token) of receipts that came just now."""

    presses: list[Press]
    told: Callable[[list[tuple[int, str]]], None]
    ports: tuple[int, int]
    """Ways in by MQTT and HTTP, through the bad network."""
    broker: int
    """The broker's own port, for those who send once."""
    chance: random.Random
    patience_s: float = PATIENCE_S
    """How long is waited for the last receipt."""
    again: int = 0
    forged: int = 0

    def __post_init__(self) -> None:
        self.by_token = {press.token: press for press in self.presses}
        self.poles = {press.pole.signer.device: press.pole for press in self.presses if press.pole}
        self.bad = Line(self.ports[0], lambda heard: self._receipts(heard, once=False))
        self.good = Line(self.broker, lambda heard: self._receipts(heard, once=True))

    async def run(self) -> None:
        """Presses all, and ends when each has its receipt, or `patience_s` after the last."""
        self.asks: asyncio.Queue[Press] = asyncio.Queue()
        beside = [asyncio.create_task(line.keep()) for line in (self.bad, self.good)]
        beside += [asyncio.create_task(self._asks()) for _one in range(HTTP_AT_ONCE)]
        loop = asyncio.get_running_loop()
        began, number = loop.time(), 0
        end = self.presses[-1].at + self.patience_s
        try:
            while (now := loop.time() - began) < end:
                while number < len(self.presses) and self.presses[number].at <= now:
                    self._press(self.presses[number], now)
                    number += 1
                left = [press for press in self.presses[:number] if not press.subject]
                if number == len(self.presses) and not left:
                    return
                for press in left:
                    if press.next <= now:
                        self.again += 1
                        self._press(press, now)
                await asyncio.sleep(0.01)
        finally:
            for task in beside:
                task.cancel()

    def _press(self, press: Press, now: float) -> None:
        if press.door == "once":
            # Until the broker has it, and then no more; where it cannot be reached, a little later.
            press.next = float("inf") if self.good.send(press) else now + 0.2
            return
        press.next, press.wait = now + press.wait, min(press.wait * 2, LONGEST_AGAIN_S)
        if press.door in ("mqtt", "both"):
            self.bad.send(press)
        if press.door in ("http", "both", "phone"):
            self.asks.put_nowait(press)

    def _receipts(self, heard: list[tuple[str, bytes]], *, once: bool) -> None:
        found = []
        for device, body in heard:
            pole = self.poles.get(device)
            for token, subject in self._read(pole, body) if pole else ():
                press = self.by_token.get(token)
                if press is not None and (press.door == "once") == once:
                    found += self._has(press, subject)
        if found:
            self.told(found)

    def _read(self, pole: Pole, body: bytes) -> list[tuple[str, str]]:
        received = pole.signer.receipt(body)
        self.forged += received is None
        return [(one["id"], one["subject"]) for one in received or ()]

    @staticmethod
    def _has(press: Press, subject: str) -> list[tuple[int, str]]:
        """What is new about it."""
        if press.subject:
            return []
        press.subject = subject
        return [(press.device, press.token)]

    async def _asks(self) -> None:
        while True:
            press = await self.asks.get()
            if press.subject:
                continue
            try:
                answer = await asyncio.wait_for(self._ask(press), 20)
            except (OSError, ValueError, TimeoutError, asyncio.IncompleteReadError):
                continue
            if press.pole is None:
                found = [(press.token, f"alert:{json.loads(answer)['alert']}")]
            else:
                found = self._read(press.pole, answer)
            told = [one for token, subject in found if token == press.token for one in self._has(press, subject)]
            if told:
                self.told(told)

    async def _ask(self, press: Press) -> bytes:
        """The body of a good answer. Raises OSError, ValueError where there is none."""
        path = "/api/devices/urgent" if press.pole else "/api/safety/presses"
        house = ".".join(str(self.chance.randrange(1, 255)) for _part in range(3))
        head = (
            f"POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n"
            f"X-Forwarded-For: 10.{house}\r\nContent-Length: {len(press.body)}\r\n\r\n"
        )
        reader, writer = await asyncio.open_connection(HOST, self.ports[1])
        try:
            writer.write(head.encode() + press.body)
            said = await reader.read()
        finally:
            writer.close()
        status, body = said[9:12], said.partition(b"\r\n\r\n")[2]
        if status != b"200":
            raise ValueError(f"{status!r}")
        return body[body.index(b"{") : body.rindex(b"}") + 1]
