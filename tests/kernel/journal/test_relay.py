"""The relay to NATS JetStream, with a server of its own: outages on either side lose nothing and double nothing."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nats
import pytest
from django.db import transaction

from cityhall.kernel.journal import append, events, relay
from cityhall.kernel.journal.sealer import seal_all
from tests.kernel.journal.processes import start, wait_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.broker]


class Server:
    """A NATS server with JetStream that keeps its store when it is stopped."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.url = f"nats://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = ["nats-server", "-js", "-sd", str(self.folder), "-a", "127.0.0.1", "-p", str(self.port)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError("nats-server did not start")

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@pytest.fixture
def server(tmp_path: Path, settings: Any) -> Iterator[Server]:
    if shutil.which("nats-server") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("there is no nats-server: install it")
        pytest.skip("there is no nats-server on this machine")
    made = Server(tmp_path / "nats")
    settings.NATS_URL = made.url
    yield made
    made.kill()


class Relaying:
    """The relay, running until the block ends."""

    def __enter__(self) -> Relaying:
        self.stop, self.wake = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=lambda: asyncio.run(relay.relay(self.stop, self.wake)))
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.wake.set()
        self.thread.join(20)
        assert not self.thread.is_alive()


def write(first: int, last: int) -> None:
    for number in range(first, last):
        with transaction.atomic():
            append("a", "test.written", {"number": number})
    seal_all()


def published(server: Server) -> list[dict[str, Any]]:
    """Every message of the stream, in order."""

    async def read() -> list[dict[str, Any]]:
        connection = await nats.connect(server.url)
        try:
            stream = connection.jetstream()
            info = await stream.stream_info(relay.STREAM)
            found = [await stream.get_msg(relay.STREAM, seq=seq) for seq in range(1, info.state.last_seq + 1)]
            return [json.loads(message.data or b"") for message in found]
        finally:
            await connection.close()

    return asyncio.run(read())


def wait_until(server: Server, count: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for _ in range(150):
        try:
            found = published(server)
        except Exception:
            found = []
        if len(found) >= count:
            break
        time.sleep(0.1)
    return found


def same_as_journal(found: list[dict[str, Any]]) -> bool:
    return [envelope["id"] for envelope in found] == [str(event.id) for event in events(limit=10_000)]


def test_events_are_cloudevents_in_order(server: Server) -> None:
    server.start()
    write(0, 300)
    with Relaying():
        found = wait_until(server, 300)
    assert same_as_journal(found) and len(found) == 300
    assert found[7]["specversion"] == "1.0" and found[7]["type"] == "test.written" and found[7]["data"] == {"number": 7}


def test_an_outage_of_the_server_is_caught_up(server: Server) -> None:
    server.start()
    write(0, 50)
    with Relaying():
        assert len(wait_until(server, 50)) == 50
        server.kill()
        write(50, 120)
        time.sleep(1.5)
        server.start()
        found = wait_until(server, 120)
    assert same_as_journal(found) and len(found) == 120


def test_a_relay_that_is_killed_after_publishing_doubles_nothing(server: Server) -> None:
    """It dies when messages are out but its own mark is not set yet; the window for doubles is closed as well."""
    server.start()
    write(0, 40)
    dying = start(
        "import asyncio, threading, time\n"
        "from django.conf import settings\n"
        f"settings.NATS_URL = {server.url!r}\n"
        "from cityhall.kernel.journal import relay\n"
        "def stuck(position):\n"
        "    print('published')\n"
        "    time.sleep(60)\n"
        "relay._save = stuck\n"
        "relay.BATCH = 25\n"
        "asyncio.run(relay.relay(threading.Event(), threading.Event()))\n"
    )
    wait_for(dying, "published")
    dying.kill()
    dying.wait()
    assert len(published(server)) == 25
    asyncio.run(_forget_doubles(server))
    with Relaying():
        found = wait_until(server, 40)
    assert same_as_journal(found) and len(found) == 40


async def _forget_doubles(server: Server) -> None:
    """Makes the server's window so short that it remembers no id: only what the relay knows can help then."""
    connection = await nats.connect(server.url)
    stream = connection.jetstream()
    config = (await stream.stream_info(relay.STREAM)).config
    await stream.update_stream(config.evolve(duplicate_window=0.1))
    await asyncio.sleep(0.5)
    await connection.close()


def test_the_same_event_sent_twice_is_kept_once(server: Server) -> None:
    server.start()
    write(0, 10)
    with Relaying():
        assert len(wait_until(server, 10)) == 10

    async def again() -> None:
        connection = await nats.connect(server.url)
        stream = connection.jetstream()
        await relay._batch(stream, 0)
        await connection.close()

    asyncio.run(again())
    assert same_as_journal(published(server))
