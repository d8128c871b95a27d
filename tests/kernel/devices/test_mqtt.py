"""The MQTT door with a real broker."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from django.db import connection
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes

from cityhall.kernel.database.slots import slot
from cityhall.kernel.devices import mqtt as mqtt_door
from cityhall.kernel.devices import receive, runner, urgent
from cityhall.simulator.signing import Signer
from tests.kernel.devices import door
from tests.kernel.devices.conftest import Make

pytestmark = [pytest.mark.broker, pytest.mark.django_db(transaction=True)]
POSITION = {"kind": "position"}


class Broker:
    """Mosquitto on a port of its own; it can go away and come back with what it held."""

    def __init__(self, binary: str, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.binary = binary
        self.conf = folder / "mosquitto.conf"
        self.conf.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\npersistence true\n"
            f"persistence_location {folder}/\nautosave_interval 1\nlog_dest none\nuser root\n"
        )
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen([self.binary, "-c", str(self.conf)])
        wait_for(self.answers)

    def answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)


def wait_for(condition: Callable[[], Any], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    binary = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
    if binary is None:
        if os.environ.get("CI") == "true":
            pytest.fail("there is no mosquitto: install it (Debian: apt install mosquitto)")
        pytest.skip("there is no mosquitto on this machine")
    running = Broker(binary, tmp_path)
    yield running
    running.stop()


@pytest.fixture
def runs(broker: Broker, settings: Any) -> Iterator[None]:
    """The devices process's work, all through the test."""
    settings.MQTT_URL = f"mqtt://127.0.0.1:{broker.port}"
    with opened():
        yield


@contextmanager
def opened() -> Iterator[None]:
    """The work of the devices' process and of that of presses, in a thread each."""
    stop = threading.Event()

    def work(part: Callable[[threading.Event], None]) -> None:
        try:
            part(stop)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=[part]) for part in (runner.main, runner.urgent)]
    for thread in threads:
        thread.start()
    yield
    stop.set()
    for thread in threads:
        thread.join(15)
    assert not any(thread.is_alive() for thread in threads)


class Publisher:
    """A device's client."""

    def __init__(self, broker: Broker) -> None:
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self.client.connect("127.0.0.1", broker.port)
        self.client.loop_start()

    def send(self, device: str, body: bytes) -> None:
        self.client.publish(f"cityhall/devices/{device}", body, qos=1).wait_for_publish(10)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


def subscribed(publisher: Publisher, make: Make) -> None:
    """Waits until the door is open: what is published before is nobody's."""
    _device, probe = make("probe")
    resumed(publisher, probe)


def resumed(publisher: Publisher, probe: Signer) -> None:
    """Sends until something comes through."""

    def heard() -> bool:
        publisher.send(probe.device, probe.envelope([POSITION]))
        return bool(door.TAKEN)

    wait_for(heard)
    # Whatever probes are still under way have come by the time one more has.
    time.sleep(0.3)
    door.TAKEN.clear()


def test_messages_come_through_and_bad_ones_do_not(broker: Broker, runs: None, make: Make) -> None:
    _device, signer = make()
    publisher = Publisher(broker)
    subscribed(publisher, make)
    good = signer.envelope([POSITION])
    for device, body in (
        ("tram-1", good),
        ("tram-1", good),
        ("tram-2", signer.envelope([POSITION])),
        ("x", b"{"),
    ):
        publisher.send(device, body)
    last = {"kind": "position", "last": True}
    publisher.send("tram-1", signer.envelope([last]))
    wait_for(lambda: len(door.TAKEN) >= 2)
    publisher.close()
    assert [messages for _who, messages, _at in door.TAKEN] == [[POSITION], [last]]


def test_the_broker_may_go_and_come_back(broker: Broker, runs: None, make: Make) -> None:
    _device, signer = make()
    publisher = Publisher(broker)
    subscribed(publisher, make)
    publisher.close()
    broker.stop()
    time.sleep(0.5)
    broker.start()
    publisher = Publisher(broker)
    resumed(publisher, signer)
    publisher.close()


def test_what_comes_while_the_door_is_shut_waits_for_it(broker: Broker, settings: Any, make: Make) -> None:
    _device, signer = make()
    settings.MQTT_URL = f"mqtt://127.0.0.1:{broker.port}"
    publisher = Publisher(broker)
    with opened():
        subscribed(publisher, make)
    for number in range(30):
        publisher.send("tram-1", signer.envelope([{"kind": "position", "number": number}]))
    assert door.TAKEN == []
    with opened():
        wait_for(lambda: len(door.TAKEN) == 30)
    publisher.close()


def test_what_the_broker_owes_to_a_killed_process_comes_to_the_next_at_once(
    broker: Broker, settings: Any, make: Make
) -> None:
    """Five hundred unacknowledged messages would lie in a session that nobody takes up, and then be gone."""
    _device, signer = make()
    settings.MQTT_URL = f"mqtt://127.0.0.1:{broker.port}"
    killed: list[bytes] = []
    with slot(mqtt_door.ORDINARY.slots) as own:
        doomed = mqtt_door.Door(settings.MQTT_URL, own.number)
        doomed.client.on_message = lambda client, data, message: killed.append(message.payload)
        properties = mqtt_door._properties(PacketTypes.CONNECT, SessionExpiryInterval=300, ReceiveMaximum=500)
        doomed.client.connect("127.0.0.1", broker.port, clean_start=False, properties=properties)
        doomed.client.loop_start()
        publisher = Publisher(broker)
        wait_for(lambda: publisher.send("tram-1", signer.envelope([POSITION])) or killed)
        for number in range(40):
            publisher.send("tram-1", signer.envelope([{"kind": "position", "number": number}]))
        wait_for(lambda: len(killed) > 40)
        # As SIGKILL ends it: no word to the broker.
        doomed.client._thread_terminate = True
        doomed.client._sock.close()
        doomed.client.loop_stop()
    with opened():
        wait_for(lambda: len(door.TAKEN) >= len(killed))
    publisher.close()


def test_each_process_has_a_number_of_its_own_and_leaves_it(db: None) -> None:
    with slot(mqtt_door.ORDINARY.slots) as first:
        with slot(mqtt_door.ORDINARY.slots) as second:
            assert (first.number, second.number) == (0, 1)
        with slot(mqtt_door.ORDINARY.slots) as again:
            assert again.number == 1
        assert first.held()
        first._asked -= 10
        first._holding.close()
        assert not first.held()
    with slot(mqtt_door.ORDINARY.slots) as next_one:
        assert next_one.number == 0


def test_nothing_is_lost_while_the_database_is_away(
    broker: Broker, runs: None, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db import OperationalError

    _device, signer = make()
    publisher = Publisher(broker)
    subscribed(publisher, make)
    away = threading.Event()
    away.set()

    def claim(*arguments: Any) -> Any:
        if away.is_set():
            raise OperationalError("the server closed the connection")
        return real(*arguments)

    real = receive._claim
    monkeypatch.setattr(receive, "_claim", claim)
    for number in range(30):
        publisher.send("tram-1", signer.envelope([{"kind": "position", "number": number}]))
    time.sleep(0.5)
    assert door.TAKEN == []
    away.clear()
    wait_for(lambda: len(door.TAKEN) == 30)
    publisher.close()
    assert [messages[0]["number"] for _who, messages, _at in door.TAKEN] == list(range(30))


def test_what_an_action_failed_on_is_given_to_it_again(broker: Broker, settings: Any, make: Make) -> None:
    """Also after a restart in between: it was not acknowledged. What is refused for good does not come again."""
    _device, signer = make()
    settings.MQTT_URL = f"mqtt://127.0.0.1:{broker.port}"
    publisher = Publisher(broker)
    messages = [{"kind": "stumbling", "number": 1}]
    door.FAULT.append(RuntimeError("a defect, or a disk that is full"))
    try:
        with opened():
            subscribed(publisher, make)
            publisher.send("tram-1", signer.envelope(messages))
            publisher.send("tram-1", signer.envelope([POSITION]))
            wait_for(lambda: door.TAKEN)
        assert [taken for _who, taken, _at in door.TAKEN] == [[POSITION]], "others are not held up"
        with opened():
            time.sleep(1)
            door.FAULT.clear()
            wait_for(lambda: len(door.TAKEN) == 2)
            assert door.TAKEN[1][1] == messages
    finally:
        door.FAULT.clear()
    door.TAKEN.clear()
    with opened():
        resumed(publisher, make("probe-2")[1])
        assert door.TAKEN == []
    publisher.close()


def test_a_receipt_comes_on_the_devices_own_topic_once_the_database_has_it(
    broker: Broker, runs: None, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sent with QoS 1, which the broker acknowledges long before: while the database is away there is no receipt."""
    from django.db import OperationalError

    _device, signer = make()
    publisher = Publisher(broker)
    heard: list[tuple[str, bytes]] = []
    publisher.client.on_message = lambda client, data, message: heard.append((message.topic, message.payload))
    publisher.client.subscribe("cityhall/receipts/+", qos=1)

    def press(body: bytes) -> None:
        publisher.client.publish("cityhall/urgent/tram-1", body, qos=1).wait_for_publish(10)

    first = signer.envelope([{"kind": "press"}], sent_at=0)

    def received() -> bool:
        press(first)
        return bool(heard)

    wait_for(received)
    topic, said = heard[0]
    assert topic == "cityhall/receipts/tram-1"
    assert [one["subject"] for one in signer.receipt(said) or []] == ["alarm:tram-1"]
    away = threading.Event()
    away.set()

    def claim(*arguments: Any) -> Any:
        if away.is_set():
            raise OperationalError("the server closed the connection")
        return real(*arguments)

    real = urgent._find
    monkeypatch.setattr(urgent, "_find", claim)
    second = signer.envelope([{"kind": "press"}])

    def told() -> bool:
        return json.loads(second)["nonce"] in [json.loads(body)["nonce"] for _topic, body in heard]

    press(second)
    time.sleep(1)
    assert not told()
    away.clear()
    wait_for(told)
    assert len(door.PRESSED) == 2
    publisher.close()


def test_an_address_that_is_none_is_told(settings: Any) -> None:
    settings.MQTT_URL = "http://broker"
    with pytest.raises(ValueError, match="mqtt://"):
        mqtt_door.run(threading.Event())
