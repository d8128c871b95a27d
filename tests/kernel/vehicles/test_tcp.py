"""Receivers that connect by TCP."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from pyubx2 import UBXMessage

from cityhall.engines.gnss.nmea import sentence
from cityhall.kernel.devices.models import Device, DeviceState
from cityhall.kernel.devices.registry import disable
from cityhall.kernel.vehicles.doors import connections, tcp
from tests.kernel.vehicles.conftest import BUILDER, Counted, Taken, epoch, free_port, running, wait_for

Make = Callable[..., str]


def hello(public_id: str) -> bytes:
    return sentence(f"$PCHID,{public_id}".encode())


@pytest.fixture
def port(configure: Callable[..., None], taken: Taken, counted: Counted, transactional_db: None) -> int:
    number = free_port()
    configure(doors={"host": "127.0.0.1", "receiver_port": number})
    return number


@contextmanager
def door(port: int) -> Iterator[None]:
    with running(tcp.run):
        wait_for(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0)
        yield


def connect(port: int) -> socket.socket:
    way = socket.create_connection(("127.0.0.1", port), timeout=5)
    way.settimeout(5)
    return way


def closed(way: socket.socket) -> bool:
    """Whether the other side closes within the time-out."""
    try:
        return way.recv(1) == b""
    except ConnectionError:
        return True


def test_an_epoch_becomes_one_fix(port: int, receiver: Make, taken: Taken) -> None:
    receiver("rx-1", vehicle="7")
    with door(port), connect(port) as way:
        way.sendall(hello("rx-1") + epoch(126.5, 33.25))
        (fix,) = taken(1)
        # From now on the door knows which sentence is the last, and waits no more.
        for step in range(1, 4):
            way.sendall(epoch(126.5 + step / 1000, 33.25))
            taken(1 + step)
        wait_for(lambda: DeviceState.objects.filter(device__public_id="rx-1", last_seen__isnull=False).exists())
    assert (fix.vehicle, fix.device, fix.fix_class) == ("7", "rx-1", 4)
    assert (fix.lon, fix.lat) == pytest.approx((126.5, 33.25), abs=1e-6)
    assert fix.sigma_m == pytest.approx(0.015) and fix.speed == pytest.approx(5.144, abs=0.001) and fix.bearing == 90
    assert abs(fix.at - time.time()) < 20
    assert len(taken.fixes) == 4


def test_where_one_receiver_is_registered_it_need_not_say_who_it_is(port: int, receiver: Make, taken: Taken) -> None:
    receiver("rx-1", protocol="ubx")
    now = time.gmtime()
    frame = UBXMessage(
        *("NAV", "NAV-PVT", 0),
        **{"year": now.tm_year, "month": now.tm_mon, "day": now.tm_mday, "hour": now.tm_hour, "min": now.tm_min},
        **{"second": now.tm_sec, "validDate": 1, "validTime": 1, "fixType": 3, "gnssFixOk": 1, "carrSoln": 1},
        **{"lon": 126.5, "lat": 33.5, "hAcc": 250, "gSpeed": 5000, "headMot": 10},
    ).serialize()
    with door(port), connect(port) as way:
        # It sends NMEA as well, as u-blox receivers do from the factory.
        way.sendall(epoch() + frame)
        (fix,) = taken(1)
    assert (fix.device, fix.fix_class, fix.sigma_m, fix.speed) == ("rx-1", 5, 0.25, 5.0)


def test_a_gateway_speaks_for_many(port: int, receiver: Make, taken: Taken, counted: Counted) -> None:
    for number in range(3):
        receiver(f"rx-{number}", address="127.0.0.0/8")
    with door(port), connect(port) as way:
        for _ in range(2):
            way.sendall(b"".join(hello(f"rx-{number}") + epoch() for number in (0, 1, 9, 2)))
            time.sleep(0.25)
        fixes = taken(6)
    assert sorted(fix.device for fix in fixes) == sorted(["rx-0", "rx-1", "rx-2"] * 2)
    # The one that is not registered stands in nobody's way.
    assert counted.found == {("", "unknown_receiver"): 6}


@pytest.mark.parametrize(
    ("address", "said", "reason"),
    [
        ("203.0.113.0/24", hello("rx-1"), "unknown_address"),
        ("127.0.0.1", hello("rx-9"), "unknown_receiver"),
        ("127.0.0.1", hello("rx-1").replace(b"rx-1", b"rx-2"), "unknown_receiver"),
        ("127.0.0.1", hello("elsewhere"), "unknown_receiver"),
        ("127.0.0.1", hello("broker"), "unknown_receiver"),
        ("127.0.0.1", epoch(), "no_greeting"),
    ],
)
def test_who_is_not_registered_there_is_not_heard(
    port: int, receiver: Make, taken: Taken, counted: Counted, address: str, said: bytes, reason: str
) -> None:
    receiver("rx-1", address=address)
    receiver("rx-2", address=address)
    receiver("elsewhere", address="203.0.113.7")
    receiver("broker", address="mqtt")
    with running(tcp.run):
        wait_for(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0)
        with connect(port) as way:
            way.sendall(said)
            assert closed(way)
    assert taken(0) == [] and ("", reason) in counted.found


def test_garbage_floods_and_cut_lines_hurt_nobody(port: int, receiver: Make, taken: Taken, counted: Counted) -> None:
    receiver("bad", address="127.0.0.0/8")
    receiver("good", address="127.0.0.0/8")
    noise = random.Random(3).randbytes(200_000)
    with door(port), connect(port) as bad, connect(port) as good:
        bad.sendall(hello("bad"))
        flood = threading.Thread(target=_pour, args=(bad, noise))
        flood.start()
        good.sendall(hello("good"))
        for back in range(4, 0, -1):
            for byte in epoch(at=time.time() - back):
                good.sendall(bytes([byte]))
        fixes = [fix for fix in taken(4) if fix.device == "good"]
        bad.close()
        flood.join()
    assert len(fixes) == 4
    assert counted.found["bad", "malformed"] > 0 and ("good", "malformed") not in counted.found


def _pour(way: socket.socket, noise: bytes) -> None:
    # The test may end before it is through.
    with contextlib.suppress(OSError):
        way.sendall(noise)


def test_more_than_its_rate_is_dropped(port: int, receiver: Make, taken: Taken, counted: Counted) -> None:
    receiver("rx-1")
    now = time.time()
    with door(port), connect(port) as way:
        way.sendall(b"".join(epoch(at=now - 6 + step / 10) for step in range(60)))
        wait_for(lambda: ("rx-1", "rate") in counted.found)
        assert len(taken(30)) < 40


def test_stale_and_future_positions_are_counted(port: int, receiver: Make, taken: Taken, counted: Counted) -> None:
    receiver("rx-1")
    with door(port), connect(port) as way:
        now = time.time()
        for at in (now - 3600, now + 3600, now - 86_400 * 7168):
            way.sendall(epoch(at=at))
        way.sendall(epoch(at=now + 1, quality=0).splitlines(keepends=True)[0])
        wait_for(lambda: sum(counted.found.values()) >= 4)
    # The third is a receiver whose week number rolled over (1024 weeks).
    assert counted.found == {("rx-1", "stale"): 2, ("rx-1", "future"): 1, ("rx-1", "no_fix"): 1}
    assert taken(0) == []


def test_the_newest_connection_of_a_receiver_counts(port: int, receiver: Make, taken: Taken) -> None:
    receiver("rx-1")
    with door(port), connect(port) as lost:
        lost.sendall(hello("rx-1") + epoch())
        taken(1)
        with connect(port) as way:
            way.sendall(hello("rx-1") + epoch())
            taken(2)
            assert closed(lost)


def test_one_that_is_switched_off_is_cut_off(port: int, receiver: Make, taken: Taken) -> None:
    receiver("rx-1")
    with door(port), connect(port) as way:
        way.sendall(hello("rx-1") + epoch())
        taken(1)
        disable(BUILDER, "rx-1")
        assert closed(way)
    assert not Device.objects.get(public_id="rx-1").enabled


def test_who_says_nothing_is_closed(
    port: int, receiver: Make, monkeypatch: pytest.MonkeyPatch, counted: Counted
) -> None:
    monkeypatch.setattr(tcp, "GREETING_S", 0.3)
    receiver("rx-1", address="127.0.0.0/8")
    receiver("rx-2", address="127.0.0.0/8")
    with door(port), connect(port) as way:
        way.sendall(b"$PCH")
        assert closed(way)
    assert counted.found["", "no_greeting"] >= 1


def test_an_address_has_only_so_many_connections(port: int, receiver: Make, counted: Counted) -> None:
    receiver("rx-1", address="127.0.0.0/8")
    receiver("rx-2", address="127.0.0.0/8")
    with door(port):
        ways = [connect(port) for _ in range(connections.SPARE_CONNECTIONS + 4)]
        wait_for(lambda: ("", "connections") in counted.found)
        for way in ways:
            way.close()
