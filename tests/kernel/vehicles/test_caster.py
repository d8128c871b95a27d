"""The NTRIP caster, with pygnssutils' client as the receiver."""

from __future__ import annotations

import base64
import socket
import time
from collections.abc import Callable, Iterator
from functools import partial
from queue import Queue
from threading import Event
from typing import Any

import pytest
from django.db import connection
from pygnssutils import GNSSNTRIPClient
from pyrtcm import RTCMReader
from pyrtcm.rtcmhelpers import crc2bytes, len2bytes

from cityhall.engines.gnss.ntrip import chunk
from cityhall.kernel.devices.registry import disable
from cityhall.kernel.places.point import Point
from cityhall.kernel.vehicles import queries
from cityhall.kernel.vehicles.doors import caster
from cityhall.kernel.vehicles.registry import register_station
from tests.kernel.vehicles.conftest import BUILDER, Counted, free_port, running, wait_for

Make = Callable[..., str]


def rtcm(number: int, filling: int = 17) -> bytes:
    payload = (number << 4).to_bytes(2, "big") + b"\x00" * filling
    start = b"\xd3" + len2bytes(payload) + payload
    return start + crc2bytes(start)


def basic(user: str, password: str) -> str:
    return "Authorization: Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.fixture
def station(transactional_db: None) -> Callable[..., str]:
    def make(mountpoint: str, **fields: Any) -> str:
        given = {"point": Point(126.5, 33.5), "country": "KOR", "public_id": f"base-{mountpoint}"} | fields
        return register_station(BUILDER, mountpoint=mountpoint, **given)[1]

    return make


@pytest.fixture
def port(configure: Callable[..., None], counted: Counted, transactional_db: None) -> Iterator[int]:
    number = free_port()
    configure(doors={"host": "127.0.0.1", "ntrip_port": number})
    with running(caster.run):
        wait_for(lambda: socket.socket().connect_ex(("127.0.0.1", number)) == 0)
        yield number


def ask(port: int, *lines: str) -> socket.socket:
    way = socket.create_connection(("127.0.0.1", port), timeout=5)
    way.sendall("\r\n".join([*lines, "", ""]).encode())
    return way


def sender(port: int, mountpoint: str, key: str) -> socket.socket:
    """A base station of version 2 that is connected."""

    def connected() -> socket.socket | None:
        way = ask(
            port,
            f"POST /{mountpoint} HTTP/1.1",
            "Host: x",
            "Ntrip-Version: Ntrip/2.0",
            basic(f"base-{mountpoint}", key),
        )
        # The registry is read every so often.
        return way if b"200 OK" in way.recv(1000) else None

    found: socket.socket = wait_for(connected)
    return found


def read_by_the_door() -> None:
    """Waits until the door has read what was registered (see conftest, `quick`)."""
    time.sleep(0.6)


def read_with_pygnssutils(
    port: int, mountpoint: str, user: str, key: str, version: str, pour: Callable[[], None]
) -> set[str]:
    """The message numbers that the client gets while `pour` is called again and again."""
    output: Queue[Any] = Queue()
    got: set[str] = set()
    with GNSSNTRIPClient(None, retries=0) as client:
        client.run(
            **{"server": "127.0.0.1", "port": port, "mountpoint": mountpoint, "version": version, "output": output},
            **{"ntripuser": user, "ntrippassword": key, "stopevent": Event()},
        )

        def enough() -> bool:
            pour()
            time.sleep(0.05)
            while not output.empty():
                item = output.get()
                got.add(str((item[1] if isinstance(item, tuple) else RTCMReader.parse(item)).identity))
            return {"1005", "1077"} <= got

        wait_for(enough)
    return got


@pytest.mark.parametrize("version", ["2.0", "1.0"])
def test_a_receiver_gets_what_the_station_sends(port: int, station: Make, receiver: Make, version: str) -> None:
    key = station("BASE")
    reader_key = receiver("rx-1", corrections=True)
    read_by_the_door()
    with sender(port, "BASE", key) as base:
        got = read_with_pygnssutils(
            *(port, "BASE", "rx-1", reader_key, version), lambda: base.sendall(b"noise" + rtcm(1005) + rtcm(1077, 200))
        )
        assert got == {"1005", "1077"}
        (seen,) = wait_for(lambda: [one for one in queries.stations() if one["rate"] and one["messages"]])
        assert seen["connected"] and set(seen["messages"]) == {"1005", "1077"} and seen["age_s"] < 30
        assert seen["malformed"] > 0


def test_pygnssutils_reads_the_list_of_stations(port: int, station: Make) -> None:
    station("BASE")
    wait_for(lambda: b"BASE" in _all(ask(port, "GET / HTTP/1.1", "Ntrip-Version: Ntrip/2.0")))
    with GNSSNTRIPClient(None, retries=0) as client:
        client.run(server="127.0.0.1", port=port, mountpoint="", stopevent=Event(), output=Queue())
        (record,) = wait_for(lambda: client.settings.get("sourcetable"))
    assert record[0] == "BASE" and record[7] == "KOR" and float(record[8]) == 33.5


def _all(way: socket.socket) -> bytes:
    found = b""
    with way:
        while data := way.recv(4096):
            found += data
    return found


def test_who_is_not_registered_for_it_gets_nothing(port: int, station: Make, receiver: Make, counted: Counted) -> None:
    key = station("BASE")
    plain = receiver("plain")
    good = receiver("rx-1", corrections=True)
    read_by_the_door()
    version_2 = "Ntrip-Version: Ntrip/2.0"
    for login in (basic("plain", plain), basic("rx-1", plain), basic("nobody", good), basic("base-BASE", key), "X: y"):
        assert b" 401 " in _all(ask(port, "GET /BASE HTTP/1.1", version_2, login))
    assert b" 404 " in _all(ask(port, "GET /NONE HTTP/1.1", version_2, basic("rx-1", good)))
    # Version 1 gets the list of stations instead.
    assert _all(ask(port, "GET /NONE HTTP/1.0", basic("rx-1", good))).startswith(b"SOURCETABLE 200 OK")
    assert b" 401 " in _all(ask(port, "POST /BASE HTTP/1.1", version_2, basic("rx-1", good)))
    assert b"ERROR" in _all(ask(port, "SOURCE wrong /BASE"))
    assert b" 400 " in _all(ask(port, "NONSENSE"))
    wait_for(lambda: counted.found.get(("", "unauthorised")) == 7 and counted.found.get(("", "malformed")) == 1)


def test_a_station_may_speak_version_1_or_in_chunks(port: int, station: Make, receiver: Make) -> None:
    key = station("OLD")
    chunked_key = station("NEW")
    reader_key = receiver("rx-1", corrections=True)
    read_by_the_door()
    new = (
        "POST /NEW HTTP/1.1",
        "Ntrip-Version: Ntrip/2.0",
        basic("base-NEW", chunked_key),
        "Transfer-Encoding: chunked",
    )
    for mountpoint, lines, wrap in (("OLD", (f"SOURCE {key} /OLD",), bytes), ("NEW", new, chunk)):
        with ask(port, *lines) as base:
            assert b"200 OK" in base.recv(1000)
            got = read_with_pygnssutils(
                *(port, mountpoint, "rx-1", reader_key, "2.0"),
                partial(base.sendall, wrap(rtcm(1005) + rtcm(1077, 200))),
            )
            assert got == {"1005", "1077"}


def test_another_casters_station_is_fetched(port: int, station: Make, receiver: Make) -> None:
    # The other caster is this one: it asks itself by its own door.
    key = station("BASE")
    login = receiver("relay", corrections=True)
    reader_key = receiver("rx-1", corrections=True)
    read_by_the_door()
    station("COPY", source=f"ntrip://relay:{login}@127.0.0.1:{port}/BASE")
    read_by_the_door()
    with sender(port, "BASE", key) as base:
        got = read_with_pygnssutils(
            *(port, "COPY", "rx-1", reader_key, "2.0"), lambda: base.sendall(rtcm(1005) + rtcm(1077, 200))
        )
    assert got == {"1005", "1077"}


def test_a_reader_that_does_not_keep_up_is_dropped(port: int, station: Make, receiver: Make, counted: Counted) -> None:
    key = station("BASE")
    reader_key = receiver("rx-1", corrections=True)
    read_by_the_door()
    with sender(port, "BASE", key) as base:
        slow = socket.socket()
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect(("127.0.0.1", port))
        slow.sendall("\r\n".join(["GET /BASE HTTP/1.1", basic("rx-1", reader_key), "", ""]).encode())

        def dropped() -> bool:
            base.sendall(rtcm(1077, 900) * 50)
            return ("rx-1", "slow_reader") in counted.found

        wait_for(dropped)
        slow.close()


def test_one_that_is_switched_off_reads_no_more(port: int, station: Make, receiver: Make) -> None:
    key = station("BASE")
    reader_key = receiver("rx-1", corrections=True)
    read_by_the_door()
    with sender(port, "BASE", key), ask(port, "GET /BASE HTTP/1.0", basic("rx-1", reader_key)) as way:
        assert way.recv(100).startswith(b"ICY 200 OK")
        disable(BUILDER, "rx-1")
        assert way.recv(100) == b""
    connection.close()


def test_a_request_must_come_whole_and_soon(port: int, monkeypatch: pytest.MonkeyPatch, counted: Counted) -> None:
    monkeypatch.setattr(caster, "HEAD_S", 0.3)
    with socket.create_connection(("127.0.0.1", port), timeout=5) as way:
        way.sendall(b"GET /BA")
        assert way.recv(10) == b""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as way:
        way.sendall(b"x" * 5000)
        assert b" 400 " in way.recv(1000)
    wait_for(lambda: counted.found == {("", "no_greeting"): 1, ("", "malformed"): 1})


def test_silent_connections_do_not_keep_an_addresss_readers_out(
    port: int, station: Make, receiver: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever says who they are gets in, however many of the same address say nothing."""
    monkeypatch.setattr(caster, "MOST_STRANGERS", 5)
    silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(12)]
    try:
        with ask(port, "GET / HTTP/1.1", "Ntrip-Version: Ntrip/2.0") as way:
            assert b"200 OK" in _all(way)
    finally:
        for one in silent:
            one.close()
