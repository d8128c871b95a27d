"""The MQTT doors: envelopes published on `cityhall/devices/<device>` and, urgent ones, on `cityhall/urgent/<device>`.

Several device processes share the work by a shared subscription (MQTT 5, section 4.8.2). A message is acknowledged
only when the database has what it said or it is refused for good, so that neither a crash here, nor an outage there,
nor an action that fails loses one; the nonces keep one that comes twice from counting twice. The broker knows each
process by a number that it has to itself while it lives: what is owed to one that was killed comes to whoever has the
number next, at once.

Urgent ones have a process, a connection and a session of their own, so that none waits behind positions. Their receipts
go to `cityhall/receipts/<device>`, with QoS 0: a device that has none sends again.

A lane is one thread, which reads what has come, has it taken in one transaction, and writes what is to be said: a
second thread for the network would wait for the interpreter at each of its many small calls while the first reckons.
"""

from __future__ import annotations

import logging
import os
import select
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

import paho.mqtt.client as mqtt
import psycopg
from django.conf import settings
from django.db import Error, close_old_connections
from django.utils import timezone
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from cityhall.kernel.database.slots import Slot, slot
from cityhall.kernel.devices import urgent
from cityhall.kernel.devices.receive import receive
from cityhall.kernel.errors import CityhallError, Unavailable

RECEIPTS = "cityhall/receipts/"
BATCH = 500
REST_S = 0.5
"""After a failure of the database."""
SESSION_SECONDS = 300
"""How long the broker keeps what it owes us while we are away."""
TRIES = 10
"""How often an action is given a message that it fails on, over four minutes; a defect does not mend itself."""
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 60.0
MOST_LATER = BATCH // 2
"""Messages that wait to be tried again. The others of what the broker sends at once are for those that come."""
TURN_S = 0.25
"""How long a lane waits for messages before it looks whether it is to stop."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0
"""Between two tries to reach a broker that is away."""
SAME_S = 5
"""Messages that came within these seconds are judged by one clock."""
log = logging.getLogger(__name__)


@dataclass
class Waiting:
    """A message that is not acknowledged yet: when it came, how often an action failed on it, and when it is due."""

    message: mqtt.MQTTMessage
    came: datetime
    tries: int = 0
    due: float = 0.0


class Taken(Protocol):
    """What became of an envelope."""

    refusal: CityhallError | None

    @property
    def receipt(self) -> bytes:
        """What its device is told, b"" for nothing."""


@dataclass(frozen=True, slots=True)
class Lane:
    """Envelopes of one topic, and what takes them; the numbers of its processes are counted under `slots`."""

    name: str
    topic: str
    slots: int
    take: Callable[[Sequence[bytes], Sequence[str], datetime], Sequence[Taken]]


def _ordinary(bodies: Sequence[bytes], devices: Sequence[str], at: datetime) -> Sequence[Taken]:
    return receive(bodies, topics=devices, received_at=at)


def _urgent(bodies: Sequence[bytes], devices: Sequence[str], at: datetime) -> Sequence[Taken]:
    return urgent.take(bodies, topics=devices, received_at=at)


ORDINARY = Lane("devices", "cityhall/devices/", 0x3019, _ordinary)
URGENT = Lane("urgent", "cityhall/urgent/", 0x301A, _urgent)


def _properties(kind: int, **values: int) -> Properties:
    properties = Properties(kind)  # type: ignore[no-untyped-call]
    for name, value in values.items():
        setattr(properties, name, value)
    return properties


def passing(purpose: str) -> str:
    """A name at the broker of this process alone, for what needs no session that outlives it."""
    return f"{purpose}-{socket.gethostname()}-{os.getpid()}"


def broker_client(url: str, name: str, *, manual_ack: bool = False) -> tuple[mqtt.Client, str, int]:
    """A client for the broker at `url` (mqtt:// or mqtts://), its host and its port; not connected yet.

    The broker has one session for each `name`. Raises ValueError for an address that is none.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
        raise ValueError("MQTT_URL must look like mqtt://user:password@host:1883 or mqtts://host:8883")
    name = f"cityhall-{settings.CITY.slug}-{name}"
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=mqtt.MQTTv5, manual_ack=manual_ack)
    if parts.username:
        client.username_pw_set(unquote(parts.username), unquote(parts.password or ""))
    if parts.scheme == "mqtts":
        client.tls_set_context(ssl.create_default_context())
    client.reconnect_delay_set(min_delay=1, max_delay=30)
    return client, parts.hostname, parts.port or (8883 if parts.scheme == "mqtts" else 1883)


class Door:
    """One connection to the broker. `run` works until it is stopped; messages wait in `inbox` meanwhile."""

    def __init__(self, url: str, number: int, lane: Lane = ORDINARY) -> None:
        self.lane = lane
        self.client, self.host, self.port = broker_client(url, f"{lane.name}-{number}", manual_ack=True)
        self.inbox: deque[Waiting] = deque()
        self.later: list[Waiting] = []
        self.pause, self.next_try = FIRST_PAUSE_S, 0.0
        self.client.on_connect = self._connected
        self.client.on_disconnect = self._disconnected
        self.client.on_message = self._arrived

    def _connected(self, client: mqtt.Client, data: Any, flags: Any, reason: Any, properties: Any) -> None:
        if reason.is_failure:
            log.error("the MQTT broker refused us: %s; check user and password in MQTT_URL", reason)
            return
        log.info("connected to the MQTT broker %s:%s", self.host, self.port)
        self.pause = FIRST_PAUSE_S
        client.subscribe(f"$share/cityhall/{self.lane.topic}+", qos=1)

    def _disconnected(self, client: mqtt.Client, data: Any, flags: Any, reason: Any, properties: Any) -> None:
        # What was not acknowledged comes again after the connection does.
        self.inbox.clear()
        self.later.clear()
        log.warning("the MQTT broker is gone (%s)", reason)

    def _arrived(self, client: mqtt.Client, data: Any, message: mqtt.MQTTMessage) -> None:
        self.inbox.append(Waiting(message, timezone.now()))

    def run(self, stop: threading.Event, own: Slot) -> None:
        """Takes messages until `stop` is set, or the number is not this process's own any more."""
        # What is to be sent is gathered, and goes with the next turn: paho would else send each by itself.
        self.client.on_socket_register_write = lambda *_told: None
        try:
            while not stop.is_set() and own.held():
                self._turn(stop, self._patience())
                batch = [*self._due(), *(self.inbox.popleft() for _one in range(min(BATCH, len(self.inbox))))]
                connection = self.client.socket()
                # A device's clock is judged by when its message came, however long it waited here.
                for _when, together in groupby(batch, key=lambda one: one.came.timestamp() // SAME_S):
                    self._handle(list(together), stop)
                    if self.client.socket() is not connection:
                        # The rest comes again; to the new connection its numbers mean other messages.
                        break
        finally:
            self.client.disconnect()
            self.client.loop_write()

    def _turn(self, stop: threading.Event, wait: float) -> None:
        """Writes what is to go and reads what has come, after `wait` seconds at most; connects where it is not."""
        connection = self.client.socket()
        if connection is None:
            self._connect()
            connection = self.client.socket()
        if connection is None:
            stop.wait(wait)
            return
        self.client.loop_write()
        poll = select.poll()
        poll.register(connection, select.POLLIN | (select.POLLOUT if self.client.want_write() else 0))
        with suppress(OSError, ValueError):
            # A connection that is closed meanwhile is no number any more (ValueError).
            ready = bool(poll.poll(wait * 1000))
            poll.register(connection, select.POLLIN)
            while ready and len(self.inbox) < BATCH:
                self.client.loop_read()
                ready = self._pending(connection) or bool(poll.poll(0))
        self.client.loop_misc()

    def _patience(self) -> float:
        """How long may be waited for messages: not at all where some are here, or to be tried again."""
        now = time.monotonic()
        return 0.0 if self.inbox or any(one.due <= now for one in self.later) else TURN_S

    @staticmethod
    def _pending(connection: Any) -> bool:
        """Whether bytes that were read already, and unwrapped, wait in a connection with TLS."""
        return isinstance(connection, ssl.SSLSocket) and connection.pending() > 0

    def _connect(self) -> None:
        """Tries to reach the broker, unless it did a short while ago."""
        if time.monotonic() < self.next_try:
            return
        properties = _properties(PacketTypes.CONNECT, SessionExpiryInterval=SESSION_SECONDS, ReceiveMaximum=BATCH)
        try:
            self.client.connect(self.host, self.port, keepalive=30, clean_start=False, properties=properties)
        except OSError as problem:
            log.warning("the MQTT broker %s:%s is not there (%s)", self.host, self.port, problem)
        self.next_try = time.monotonic() + self.pause
        self.pause = min(self.pause * 2, LONGEST_PAUSE_S)

    def _due(self) -> list[Waiting]:
        """What is to be tried again now."""
        now = time.monotonic()
        due = [one for one in self.later if one.due <= now]
        self.later = [one for one in self.later if one.due > now]
        return due

    def _handle(self, batch: list[Waiting], stop: threading.Event) -> None:
        """Takes a batch, trying again while the database is away, and acknowledges what is done with."""
        wait, connection = 0.5, self.client.socket()
        while not stop.is_set():
            try:
                outcomes = self.lane.take(
                    [bytes(one.message.payload) for one in batch],
                    [one.message.topic.removeprefix(self.lane.topic) for one in batch],
                    batch[0].came,
                )
            except Error as problem:
                log.warning("the database is not there (%s); trying again in %.1f s", type(problem).__name__, wait)
                close_old_connections()
                self._rest(stop, wait)
                if self.client.socket() is not connection:
                    # They come again with the new connection.
                    return
                wait = min(wait * 2, 10.0)
                continue
            break
        else:
            return
        close_old_connections()
        for one, outcome in zip(batch, outcomes, strict=True):
            if outcome.receipt:
                self.client.publish(RECEIPTS + one.message.topic.removeprefix(self.lane.topic), outcome.receipt)
            if not self._kept(one, outcome):
                self.client.ack(one.message.mid, one.message.qos)

    def _rest(self, stop: threading.Event, seconds: float) -> None:
        """Waits, and lets the broker know meanwhile that we are there."""
        until = time.monotonic() + seconds
        while not stop.is_set() and (left := until - time.monotonic()) > 0:
            self._turn(stop, min(left, TURN_S))
            if len(self.inbox) >= BATCH:
                stop.wait(min(left, TURN_S))

    def _kept(self, one: Waiting, outcome: Taken) -> bool:
        """Whether a message waits to be tried again."""
        if outcome.refusal is None:
            return False
        if not isinstance(outcome.refusal, Unavailable):
            log.debug("%s: refused, %s", one.message.topic, outcome.refusal.code)
            return False
        one.tries += 1
        if one.tries >= TRIES or len(self.later) >= MOST_LATER:
            log.error("%s: a message is given up after %s tries", one.message.topic, one.tries)
            return False
        one.due = time.monotonic() + min(FIRST_WAIT_S * 2 ** (one.tries - 1), LONGEST_WAIT_S)
        self.later.append(one)
        return True


def run(stop: threading.Event) -> None:
    """Serves the broker that MQTT_URL names until `stop` is set. Raises ValueError for an address that is none."""
    _serve(ORDINARY, stop)


def run_urgent(stop: threading.Event) -> None:
    """The same for urgent messages."""
    _serve(URGENT, stop)


def _serve(lane: Lane, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            with slot(lane.slots) as own:
                Door(settings.MQTT_URL, own.number, lane).run(stop, own)
        except psycopg.Error as problem:
            log.warning("the MQTT door waits for the database: %s", type(problem).__name__)
            stop.wait(REST_S)
