"""The MQTT door for raw receivers: `cityhall/nmea/<id>` and `cityhall/ubx/<id>`.

One message holds one or more whole epochs: its end ends the epoch, so that several processes can share the work by a
shared subscription (MQTT 5, section 4.8.2). QoS 0 does: a position that is late is worth nothing.

Such messages carry no signature. Who may publish on a receiver's topic is the broker's to say (user names and access
lists, `pattern write cityhall/nmea/%u` in Mosquitto), and only a receiver whose registered address is "mqtt" is
believed here.
"""

from __future__ import annotations

import logging
import queue
import threading
from typing import Any

import paho.mqtt.client as mqtt
from django.conf import settings
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from cityhall.engines.gnss import Frames
from cityhall.kernel import clock
from cityhall.kernel.devices.mqtt import broker_client, passing
from cityhall.kernel.vehicles.doors import directory
from cityhall.kernel.vehicles.doors.directory import Directory
from cityhall.kernel.vehicles.doors.handover import Batch, Handover
from cityhall.kernel.vehicles.doors.speaker import Speaker

TOPICS = ("cityhall/nmea/+", "cityhall/ubx/+")
SHARED = "$share/cityhall-receivers/"
TICK_S = 0.05
MOST_WAITING = 50_000
"""Messages kept while we are behind; more are counted and dropped."""
LONGEST = 16 * 1024
"""Bytes of a message: ten seconds of one receiver's epochs."""
log = logging.getLogger("cityhall.transit.doors")


class Door:
    """One connection to the broker; its thread only queues, ours parses."""

    def __init__(self, url: str, known: Directory) -> None:
        self.directory = known
        self.batch = Batch()
        self.inbox: queue.SimpleQueue[tuple[str, bytes, float]] = queue.SimpleQueue()
        self.overload = 0
        self.speakers: dict[str, Speaker] = {}
        self.client, self.host, self.port = broker_client(url, passing("receivers"))
        self.client.on_connect = self._connected
        self.client.on_message = self._arrived

    def _connected(self, client: mqtt.Client, data: Any, flags: Any, reason: Any, properties: Any) -> None:
        if reason.is_failure:
            log.error("the MQTT broker refused us: %s; check user and password in MQTT_URL", reason)
            return
        client.subscribe([(SHARED + topic, SubscribeOptions(qos=0)) for topic in TOPICS])

    def _arrived(self, client: mqtt.Client, data: Any, message: mqtt.MQTTMessage) -> None:
        if self.inbox.qsize() < MOST_WAITING:
            self.inbox.put((message.topic, bytes(message.payload), clock.time()))
        else:
            self.overload += 1

    def run(self, stop: threading.Event, handover: Handover) -> None:
        """Takes messages until `stop` is set."""
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = 0
        self.client.connect_async(self.host, self.port, keepalive=30, clean_start=True, properties=properties)
        self.client.loop_start()
        try:
            while not stop.wait(TICK_S):
                self.take()
                if self.batch:
                    handover.put(self.batch)
                    self.batch = Batch()
        finally:
            self.client.disconnect()
            self.client.loop_stop()

    def take(self) -> None:
        """Parses what has come."""
        if self.overload:
            self.batch.drops["", "overload"] += self.overload
            self.overload = 0
        for _ in range(self.inbox.qsize()):
            topic, payload, at = self.inbox.get()
            try:
                self.hear(topic, payload, at)
            except Exception:
                name = topic.rpartition("/")[2]
                log.exception("a message of %s could not be taken", name)
                self.batch.drops[name if name in self.directory.by_id else "", "failed"] += 1
                self.speakers.pop(name, None)
        if len(self.speakers) > 2 * len(self.directory.by_id) + 1000:
            self.speakers.clear()

    def hear(self, topic: str, payload: bytes, now: float) -> None:
        """Takes one message, received at `now` (Unix seconds)."""
        _city, protocol, name = topic.split("/", 2)
        known = self.directory.by_id.get(name)
        if known is None or known.network is not None or known.protocol != protocol:
            self.batch.drops["", "unknown_receiver"] += 1
            return
        if len(payload) > LONGEST:
            self.batch.drops[name, "oversize"] += 1
            return
        speaker = self.speakers.get(name)
        if speaker is None or speaker.known != known:
            speaker = self.speakers[name] = Speaker(known)
        frames = Frames()
        # A message without the line end of its last sentence is whole all the same.
        for frame in frames.feed(payload + b"\r\n"):
            speaker.hear(frame, now, self.batch)
        speaker.close(now, self.batch)
        if frames.malformed or frames.rest:
            self.batch.drops[name, "malformed"] += frames.malformed + bool(frames.rest)


def run(stop: threading.Event) -> None:
    """Serves the broker that MQTT_URL names until `stop`; where none is named, there is nothing to do."""
    if not settings.MQTT_URL:
        stop.wait()
        return
    known = Directory()
    with Handover(known.refresh, directory.READ_EVERY_S) as handover:
        while not known.ready.wait(0.25):
            if stop.is_set():
                return
        Door(settings.MQTT_URL, known).run(stop, handover)
