"""The load of `cityhall bench alerts`, in processes of their own: `... alerts_load load|screen CONFIG.json`.

`load` presses; `screen` hears what the desk's screen hears. Both speak their protocols plainly, so that a core's small
share does for thousands a second.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import http.client
import json
import queue
import resource
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import httpx
import numpy as np
import orjson
import uvloop

from cityhall.simulator.signing import RECEIPT, canonical, key_bytes
from cityhall.simulator.visits import Visit

AGAIN_S = 5.0
"""A press without a receipt is sent again after so long, then after twice as long each time."""
TOGETHER_S = 0.1
"""Seconds of a fleet's positions in one envelope."""
SLOT_S = 0.002
THREADS = 32
TOGETHER = 250
"""Presses that a gateway sends in one request."""
CHECK = 16
"""One receipt of so many has its signature checked."""


def cpu_s() -> float:
    """Processor seconds of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


class Load:
    """All presses of a run, by their number: when each was planned, and when its receipt came."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.config = config
        known = json.loads(Path(config["buttons"]).read_text())
        self.devices = [device for device, _key in known]
        self.keys = [key_bytes(key) for _device, key in known]
        self.number_of = {device: number for number, device in enumerate(self.devices)}
        count = max(1, round(config["rate"] * config["seconds"]))
        rng = np.random.default_rng(1)
        rounds = -(-count // len(known))
        self.button = np.concatenate([rng.permutation(len(known)) for _round in range(rounds)])[:count]
        self.planned = np.arange(count) / config["rate"]
        self.received = np.full(count, np.nan)
        self.subject = np.zeros(count, np.int64)
        self.again = self.refused = self.got = 0
        self.late = 0.0

    def envelope(self, number: int) -> bytes:
        """The signed envelope of a press; its nonce is its number, so that the receipt tells whose it is."""
        button = int(self.button[number])
        device, sent = self.devices[button], time.time_ns() // 1_000_000
        payload = f'[{{"kind":"press","id":"{number}"}}]'
        signed = hmac.new(self.keys[button], canonical(device, sent, number + 1, payload), hashlib.sha256).hexdigest()
        return orjson.dumps(
            {"device": device, "sent_at": sent, "nonce": number + 1, "payload": payload, "signature": signed}
        )

    def receipt(self, body: bytes) -> None:
        """A receipt has come. Raises ValueError for one that is forged."""
        at = time.time()
        said = orjson.loads(body)
        number = said["nonce"] - 1
        self.got += 1
        if self.got % CHECK == 0:
            text = "\n".join((RECEIPT, said["device"], str(said["nonce"]), said["payload"]))
            right = hmac.new(self.keys[self.number_of[said["device"]]], text.encode(), hashlib.sha256).hexdigest()
            if right != said["signature"]:
                raise ValueError("a receipt is forged")
        if np.isnan(self.received[number]):
            self.received[number] = at
            self.subject[number] = int(orjson.loads(said["payload"])[0]["subject"].partition(":")[2])

    def open(self, until: int) -> list[int]:
        """The presses before a number that have no receipt."""
        return np.flatnonzero(np.isnan(self.received[:until])).tolist()

    def begin(self) -> float:
        """Says that it can begin, waits to be told to, and gives the moment of the first press."""
        print("ready", flush=True)
        sys.stdin.readline()
        began = time.time() + 0.5
        self.planned += began
        return began

    def end(self, began: float, cpu: float) -> None:
        """Keeps what was measured, and says the rest."""
        key = np.array([str(number) for number in range(self.button.size)])
        np.savez(
            self.config["out"],
            planned=self.planned,
            received=self.received,
            button=self.button,
            subject=self.subject,
            key=key,
        )
        told = {
            "cpu_s": cpu_s() - cpu,
            "wall_s": time.time() - began,
            "again": self.again,
            "refused": self.refused,
            "late_ms": round(self.late * 1000, 2),
        }
        print(json.dumps(told), flush=True)


def packet(first: int, body: bytes) -> bytes:
    """An MQTT packet (3.1.1, section 2.2)."""
    size, length = bytearray(), len(body)
    while True:
        length, digit = divmod(length, 128)
        size.append(digit | (0x80 if length else 0))
        if not length:
            return bytes([first]) + bytes(size) + body


def text(words: str) -> bytes:
    """A string as MQTT writes it."""
    data = words.encode()
    return len(data).to_bytes(2, "big") + data


class Mqtt(asyncio.Protocol):
    """Publishes with QoS 1, and hears all receipts."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.ready = asyncio.get_running_loop().create_future()
        self.rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # The loop's own transports are of no class of asyncio's.
        self.way = cast(asyncio.WriteTransport, transport)
        self.way.write(packet(0x10, text("MQTT") + b"\x04\x02\x00\x00" + text("cityhall-bench-load")))
        self.way.write(packet(0x82, b"\x00\x01" + text("cityhall/receipts/+") + b"\x00"))

    def data_received(self, data: bytes) -> None:
        data = self.rest + data
        at = 0
        while True:
            # Fixed header: type, then the length in sevens of bits.
            length, shift, head = 0, 0, at + 1
            while head < len(data):
                length |= (data[head] & 0x7F) << shift
                shift += 7
                head += 1
                if data[head - 1] < 0x80:
                    break
            else:
                break
            if head + length > len(data):
                break
            kind = data[at] >> 4
            if kind == 3:
                topic = int.from_bytes(data[head : head + 2], "big")
                self.load.receipt(data[head + 2 + topic : head + length])
            elif kind == 9 and not self.ready.done():
                self.ready.set_result(None)
            at = head + length
        self.rest = data[at:]

    def publish(self, topic: str, payload: bytes, number: int) -> None:
        """QoS 1; the broker's own acknowledgement says nothing of the city, and is passed over."""
        self.way.write(packet(0x32, text(topic) + (number % 65_535 + 1).to_bytes(2, "big") + payload))


async def by_mqtt(load: Load) -> None:
    """Presses through the broker."""
    loop = asyncio.get_running_loop()
    _way, client = await loop.create_connection(lambda: Mqtt(load), "127.0.0.1", load.config["mqtt_port"])
    await client.ready
    cpu, began = cpu_s(), load.begin()
    asked: dict[int, tuple[float, float]] = {}

    def send(number: int) -> None:
        device = load.devices[int(load.button[number])]
        client.publish(f"cityhall/urgent/{device}", load.envelope(number), number)

    await _pace(load, send, asked)
    load.end(began, cpu)


async def _pace(load: Load, send: Any, asked: dict[int, tuple[float, float]]) -> None:
    """Sends each press at its moment, and again what has no receipt; ends when all have one, or time is over."""
    count, number = load.planned.size, 0
    last, most = float(load.planned[-1]), load.config["most_after"]
    end, got = last + load.config["after"], 0
    look = time.time() + AGAIN_S
    positions = _positions(load)
    while True:
        now = time.time()
        while number < count and load.planned[number] <= now:
            load.late = max(load.late, now - float(load.planned[number]))
            send(number)
            number += 1
        if positions is not None:
            positions(now)
        if now >= look:
            look = now + 1.0
            if load.got > got:
                # What waits is still coming: it is waited for as long as it does.
                end, got = min(max(end, now + load.config["after"]), last + most), load.got
            for late in load.open(number):
                sent_at, wait = asked.get(late, (float(load.planned[late]), AGAIN_S))
                if now - sent_at >= wait:
                    asked[late] = now, wait * 2
                    load.again += 1
                    send(late)
        if number == count and (now > end or not np.isnan(load.received).any()):
            # The screens may be behind.
            await asyncio.sleep(1.0 if now <= end else 0)
            return
        pause = min(SLOT_S, float(load.planned[number]) - time.time()) if number < count else SLOT_S * 5
        await asyncio.sleep(max(0.0, pause))


def _positions(load: Load) -> Any:
    """What sends so many positions a second beside the presses; None for none."""
    return None if not load.config.get("positions") else Positions(load)


class Positions:
    """Positions of a fleet through its gateway, on the ordinary lane: TOGETHER_S of them in an envelope."""

    def __init__(self, load: Load) -> None:
        self.load, self.sent, self.began = load, 0, 0.0
        self.key = key_bytes(json.loads(Path(load.config["buttons"]).with_name("gateway.json").read_text()))
        self.client: Any = None

    def __call__(self, now: float) -> None:
        if self.client is None:
            self.client = self._connect()
            self.began = now
        due = int((now - self.began) / TOGETHER_S) * round(self.load.config["positions"] * TOGETHER_S)
        if due > self.sent:
            self._send(self.sent, due)
            self.sent = due

    def _connect(self) -> Any:
        import paho.mqtt.client as mqtt
        from paho.mqtt.enums import CallbackAPIVersion

        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="cityhall-bench-positions")
        client.connect("127.0.0.1", self.load.config["mqtt_port"])
        client.loop_start()
        return client

    def _send(self, first: int, end: int) -> None:
        sent, nonce, fleet = time.time_ns() // 1_000_000, time.time_ns() // 1000, self.load.config["vehicles"]
        messages = [
            {
                "kind": "position",
                "vehicle": f"patrol-{number % fleet}",
                "at": sent / 1000,
                "lon": -99.13 + (number % fleet % 30) / 500 + (number // fleet) % 100 * 1e-5,
                "lat": 19.43 + (number % fleet // 30) / 500,
            }
            for number in range(first, end)
        ]
        payload = orjson.dumps(messages).decode()
        signed = hmac.new(self.key, canonical("gateway", sent, nonce, payload), hashlib.sha256).hexdigest()
        body = {"device": "gateway", "sent_at": sent, "nonce": nonce, "payload": payload, "signature": signed}
        self.client.publish("cityhall/devices/gateway", orjson.dumps(body), qos=1)


def by_http(load: Load, together: int) -> None:
    """Presses by HTTP: one a request, or as many as a gateway has by then."""
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    over = threading.Event()
    workers = THREADS if together == 1 else 4
    threads = [threading.Thread(target=_asks, args=(load, waiting, over, together)) for _ in range(workers)]
    cpu, began = cpu_s(), load.begin()
    for thread in threads:
        thread.start()

    async def pace() -> None:
        await _pace(load, waiting.put, {})

    uvloop.run(pace())
    over.set()
    for thread in threads:
        thread.join()
    load.end(began, cpu)


def _asks(load: Load, waiting: queue.SimpleQueue[int], over: threading.Event, together: int) -> None:
    client = http.client.HTTPConnection("127.0.0.1", load.config["port"], timeout=60)
    path = "/api/devices/urgent" if together == 1 else "/api/devices/urgent/batch"
    while not over.is_set():
        numbers = _some(waiting, together)
        if not numbers:
            continue
        bodies = [load.envelope(number) for number in numbers]
        body = bodies[0] if together == 1 else b"[" + b",".join(bodies) + b"]"
        try:
            client.request("POST", path, body, {"Content-Type": "application/json"})
            answer = client.getresponse()
            said = answer.read()
        except (OSError, http.client.HTTPException):
            client.close()
            continue
        if answer.status != 200:
            load.refused += len(numbers)
        elif together == 1:
            load.receipt(said)
        else:
            for one in orjson.loads(said):
                if one["receipt"] is not None:
                    load.receipt(orjson.dumps(one["receipt"]))
                else:
                    load.refused += 1


def _some(waiting: queue.SimpleQueue[int], most: int) -> list[int]:
    try:
        found = [waiting.get(timeout=0.05)]
        while len(found) < most:
            found.append(waiting.get_nowait())
    except queue.Empty:
        return found if "found" in locals() else []
    return found


def screen(config: dict[str, Any]) -> None:
    """Hears the desk's topic as a screen does, until it is told to stop; keeps when each alert was shown, and how."""
    visit = Visit(httpx.Client(base_url=f"http://127.0.0.1:{config['port']}", timeout=30))
    visit.sign_in(config["email"], config["password"])
    cookies = "; ".join(f"{name}={value}" for name, value in visit.client.cookies.items())
    line = http.client.HTTPConnection("127.0.0.1", config["port"], timeout=600)
    line.request("GET", "/live/safety-desk", headers={"Cookie": cookies, "Accept": "text/event-stream"})
    answer = line.getresponse()
    if answer.status != 200:
        raise RuntimeError(f"the desk's topic answers {answer.status}")
    seen: list[tuple[float, int, int]] = []
    resets = 0

    def hear() -> None:
        nonlocal resets
        event = ""
        while raw := answer.readline():
            if raw.startswith(b"data:"):
                at = time.time()
                if event == "reset":
                    resets += 1
                    continue
                seen.extend((at, row["id"], row["presses"]) for row in orjson.loads(raw[5:]) if "presses" in row)
            elif raw.startswith(b"event:"):
                event = raw[6:].strip().decode()
            elif raw == b"\n":
                event = ""

    threading.Thread(target=hear, daemon=True).start()
    cpu = cpu_s()
    print("ready", flush=True)
    sys.stdin.readline()
    at, alert, presses = (np.array(column) for column in zip(*seen, strict=True)) if seen else (np.zeros(0),) * 3
    np.savez(config["seen"], at=at, alert=alert, presses=presses)
    print(json.dumps({"cpu_s": cpu_s() - cpu, "rows": len(seen), "resets": resets}), flush=True)


def screen_ms(sent: Mapping[str, Any], seen: Mapping[str, Any]) -> np.ndarray:
    """(presses,) ms from each press's planned moment until a screen had its alert with that many presses; NaN: never.

    The n-th press that an alert took, in the order in which they were planned, is on the screen with the first row that
    tells of n or more.
    """
    shown = np.full(sent["planned"].size, np.nan)
    order = np.lexsort((seen["at"], seen["alert"]))
    alerts, at, presses = seen["alert"][order], seen["at"][order], seen["presses"][order]
    by_alert = np.lexsort((sent["planned"], sent["subject"]))
    subjects = sent["subject"][by_alert]
    first = np.flatnonzero(np.r_[True, subjects[1:] != subjects[:-1]]) if subjects.size else np.zeros(0, int)
    for begin, end in zip(first, np.r_[first[1:], subjects.size], strict=True):
        rows = slice(*np.searchsorted(alerts, [subjects[begin], subjects[begin] + 1]))
        if subjects[begin] == 0 or rows.start == rows.stop:
            continue
        most = np.maximum.accumulate(presses[rows])
        wanted = np.arange(1, end - begin + 1)
        found = np.searchsorted(most, wanted)
        there = found < most.size
        numbers = by_alert[begin:end]
        shown[numbers[there]] = (at[rows][found[there]] - sent["planned"][numbers[there]]) * 1000
    return shown


def main() -> None:
    """One of the two."""
    what, config = sys.argv[1], json.loads(Path(sys.argv[2]).read_text())
    if what == "screen":
        screen(config)
        return
    load = Load(config)
    if config["door"] == "mqtt":
        uvloop.run(by_mqtt(load))
    else:
        by_http(load, 1 if config["door"] == "http" else TOGETHER)


if __name__ == "__main__":
    main()
