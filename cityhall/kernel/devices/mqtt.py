"""The MQTT door: envelopes published on `cityhall/devices/<device>`, QoS 1.

Several device processes share the work by a shared subscription (MQTT 5, section 4.8.2). A message is acknowledged
only when the database has what it said, so that neither a crash here nor an outage there loses one; the nonces keep
one that comes twice from counting twice.
"""

from __future__ import annotations

import logging
import os
import queue
import socket
import ssl
import threading
import time
from typing import Any
from urllib.parse import unquote, urlsplit

import paho.mqtt.client as mqtt
from django.conf import settings
from django.db import Error, close_old_connections
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from cityhall.kernel.devices.receive import receive

TOPIC = "cityhall/devices/"
SHARED = f"$share/cityhall/{TOPIC}+"
BATCH = 500
SESSION_SECONDS = 300
"""How long the broker keeps what it owes us while we are away."""
log = logging.getLogger(__name__)


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
        self.inbox: queue.Queue[mqtt.MQTTMessage] = queue.Queue()
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
        log.warning("the MQTT broker is gone (%s)", reason)

    def _arrived(self, client: mqtt.Client, data: Any, message: mqtt.MQTTMessage) -> None:
        self.inbox.put(message)

    def _take_all(self, wait: float = 0.0) -> list[mqtt.MQTTMessage]:
        taken: list[mqtt.MQTTMessage] = []
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
                batch = self._take_all(wait=0.25)
                if batch:
                    self._handle(batch, stop)
        finally:
            self.client.disconnect()
            self.client.loop_stop()

    def _handle(self, batch: list[mqtt.MQTTMessage], stop: threading.Event) -> None:
        """Takes a batch, trying again while the database is away, and acknowledges it."""
        wait = 0.5
        while not stop.is_set():
            try:
                outcomes = receive(
                    [bytes(message.payload) for message in batch],
                    topics=[message.topic.removeprefix(TOPIC) for message in batch],
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
        for message, outcome in zip(batch, outcomes, strict=True):
            if outcome.refusal is not None:
                log.debug("%s: refused, %s", message.topic, outcome.refusal.code)
            self.client.ack(message.mid, message.qos)


def run(stop: threading.Event) -> None:
    """Serves the broker that MQTT_URL names until `stop` is set. Raises ValueError for an address that is none."""
    Door(settings.MQTT_URL).run(stop)
