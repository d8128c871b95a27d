"""The MQTT door: envelopes published on `cityhall/devices/<device>`, QoS 1.

Several device processes share the work by a shared subscription (MQTT 5, section 4.8.2). A message is acknowledged
only when the database has what it said or it is refused for good, so that neither a crash here, nor an outage there,
nor an action that fails loses one; the nonces keep one that comes twice from counting twice.
"""

from __future__ import annotations

import logging
import os
import queue
import socket
import ssl
import threading
import time
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any
from urllib.parse import unquote, urlsplit

import paho.mqtt.client as mqtt
from django.conf import settings
from django.db import Error, close_old_connections
from django.utils import timezone
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from cityhall.kernel.devices.receive import Outcome, receive
from cityhall.kernel.errors import Unavailable

TOPIC = "cityhall/devices/"
SHARED = f"$share/cityhall/{TOPIC}+"
BATCH = 500
SESSION_SECONDS = 300
"""How long the broker keeps what it owes us while we are away."""
TRIES = 10
"""How often an action is given a message that it fails on, over four minutes; a defect does not mend itself."""
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 60.0
MOST_LATER = BATCH // 2
"""Messages that wait to be tried again. The others of what the broker sends at once are for those that come."""
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


def _properties(kind: int, **values: int) -> Properties:
    properties = Properties(kind)  # type: ignore[no-untyped-call]
    for name, value in values.items():
        setattr(properties, name, value)
    return properties


def broker_client(url: str, purpose: str = "", *, manual_ack: bool = False) -> tuple[mqtt.Client, str, int]:
    """A client for the broker at `url` (mqtt:// or mqtts://), its host and its port; not connected yet.

    Each `purpose` of a process has a session of its own. Raises ValueError for an address that is none.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
        raise ValueError("MQTT_URL must look like mqtt://user:password@host:1883 or mqtts://host:8883")
    name = f"cityhall-{settings.CITY.slug}-{purpose}{socket.gethostname()}-{os.getpid()}"
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=mqtt.MQTTv5, manual_ack=manual_ack)
    if parts.username:
        client.username_pw_set(unquote(parts.username), unquote(parts.password or ""))
    if parts.scheme == "mqtts":
        client.tls_set_context(ssl.create_default_context())
    client.reconnect_delay_set(min_delay=1, max_delay=30)
    return client, parts.hostname, parts.port or (8883 if parts.scheme == "mqtts" else 1883)


class Door:
    """One connection to the broker. `run` works until it is stopped; messages wait in `inbox` meanwhile."""

    def __init__(self, url: str) -> None:
        self.client, self.host, self.port = broker_client(url, manual_ack=True)
        self.inbox: queue.Queue[Waiting] = queue.Queue()
        self.later: list[Waiting] = []
        self._gone = threading.Event()
        self.client.on_connect = self._connected
        self.client.on_disconnect = self._disconnected
        self.client.on_message = self._arrived

    def _connected(self, client: mqtt.Client, data: Any, flags: Any, reason: Any, properties: Any) -> None:
        if reason.is_failure:
            log.error("the MQTT broker refused us: %s; check user and password in MQTT_URL", reason)
            return
        log.info("connected to the MQTT broker %s:%s", self.host, self.port)
        client.subscribe(SHARED, qos=1)

    def _disconnected(self, client: mqtt.Client, data: Any, flags: Any, reason: Any, properties: Any) -> None:
        # What was not acknowledged comes again after the connection does.
        self._take_all()
        self._gone.set()
        log.warning("the MQTT broker is gone (%s)", reason)

    def _arrived(self, client: mqtt.Client, data: Any, message: mqtt.MQTTMessage) -> None:
        self.inbox.put(Waiting(message, timezone.now()))

    def _take_all(self, wait: float = 0.0) -> list[Waiting]:
        taken: list[Waiting] = []
        try:
            taken.append(self.inbox.get(timeout=wait) if wait else self.inbox.get_nowait())
            while len(taken) < BATCH:
                taken.append(self.inbox.get_nowait())
        except queue.Empty:
            pass
        return taken

    def run(self, stop: threading.Event) -> None:
        """Takes messages until `stop` is set."""
        properties = _properties(PacketTypes.CONNECT, SessionExpiryInterval=SESSION_SECONDS, ReceiveMaximum=BATCH)
        # Asynchronously, so that a broker that is not there yet is waited for like one that went away.
        self.client.connect_async(self.host, self.port, keepalive=30, clean_start=False, properties=properties)
        self.client.loop_start()
        try:
            while not stop.is_set():
                batch = [*self._due(), *self._take_all(wait=0.25)]
                # A device's clock is judged by when its message came, however long it waited here.
                for _when, together in groupby(batch, key=lambda one: one.came.timestamp() // SAME_S):
                    self._handle(list(together), stop)
        finally:
            self.client.disconnect()
            self.client.loop_stop()

    def _due(self) -> list[Waiting]:
        """What is to be tried again now."""
        if self._gone.is_set():
            self._gone.clear()
            self.later.clear()
        now = time.monotonic()
        due = [one for one in self.later if one.due <= now]
        self.later = [one for one in self.later if one.due > now]
        return due

    def _handle(self, batch: list[Waiting], stop: threading.Event) -> None:
        """Takes a batch, trying again while the database is away, and acknowledges what is done with."""
        wait = 0.5
        while not stop.is_set():
            try:
                outcomes = receive(
                    [bytes(one.message.payload) for one in batch],
                    topics=[one.message.topic.removeprefix(TOPIC) for one in batch],
                    received_at=batch[0].came,
                )
            except Error as problem:
                log.warning("the database is not there (%s); trying again in %.1f s", type(problem).__name__, wait)
                close_old_connections()
                time.sleep(wait)
                wait = min(wait * 2, 10.0)
                continue
            break
        else:
            return
        close_old_connections()
        for one, outcome in zip(batch, outcomes, strict=True):
            if not self._kept(one, outcome):
                self.client.ack(one.message.mid, one.message.qos)

    def _kept(self, one: Waiting, outcome: Outcome) -> bool:
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
    Door(settings.MQTT_URL).run(stop)
