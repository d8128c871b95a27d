"""Trackers at their doors, by real sockets: who is believed, what becomes of it, and when they are answered."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import OperationalError

from cityhall.kernel import service
from cityhall.kernel.devices.declares import UrgentDoor
from cityhall.kernel.devices.models import DeviceState, UrgentMessage
from cityhall.kernel.devices.registry import disable
from cityhall.kernel.devices.urgent import Urgent
from cityhall.kernel.errors import Invalid
from cityhall.kernel.vehicles.doors import tcp, trackers
from cityhall.kernel.vehicles.doors.options import check, options
from cityhall.kernel.vehicles.registry import register_receiver
from tests.engines.trackers import encoders as make
from tests.kernel.devices import door
from tests.kernel.vehicles.conftest import BUILDER, Counted, Taken, free_port, running, wait_for

Make = Callable[..., str]
Ports = dict[str, int]
IMEI, OTHER = "867520001234567", "867520007654321"
LAT, LON = -30.03, -51.23
LOGIN = make.gt06(0x01, bytes.fromhex("0" + IMEI))


@pytest.fixture(autouse=True)
def pressed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Urgent]]:
    """A service that takes presses instead of the city's own, and what it was given."""
    others = [one for one in service.city_services() if not one.of(UrgentDoor)]
    monkeypatch.setattr(service, "city_services", lambda: (*others, door.SERVICE))
    door.PRESSED.clear()
    door.FAULT.clear()
    yield door.PRESSED
    door.PRESSED.clear()


@pytest.fixture
def ports(configure: Callable[..., None], taken: Taken, counted: Counted, transactional_db: None) -> Ports:
    found = {name: free_port() for name in ("gt06", "jt808", "teltonika", "queclink", "suntech")}
    configure(doors={"host": "127.0.0.1", "trackers": found})
    return found


@contextmanager
def doors(ports: Ports) -> Iterator[None]:
    with running(trackers.run):
        for port in ports.values():
            wait_for(lambda port=port: socket.socket().connect_ex(("127.0.0.1", port)) == 0)
        yield


def connect(port: int) -> socket.socket:
    way = socket.create_connection(("127.0.0.1", port), timeout=5)
    way.settimeout(5)
    return way


def silent(way: socket.socket, seconds: float = 0.5) -> bool:
    """Whether nothing comes within that time."""
    way.settimeout(seconds)
    try:
        return way.recv(1) == b"never"
    except TimeoutError:
        return True
    finally:
        way.settimeout(5)


def closed(way: socket.socket) -> bool:
    try:
        return way.recv(1) == b""
    except ConnectionError:
        return True


def log_in(way: socket.socket) -> None:
    way.sendall(LOGIN)
    assert way.recv(64) == make.gt06(0x01, b"")


def test_a_panic_button_is_one_press_however_often_it_is_sent(
    ports: Ports, receiver: Make, taken: Taken, pressed: list[Urgent]
) -> None:
    receiver(IMEI, protocol="gt06", vehicle="7")
    now = int(time.time())
    alarm = make.gt06_alarm(now, LAT, LON, 0x01, serial=9)
    with doors(ports):
        for _connection in range(2):
            with connect(ports["gt06"]) as way:
                log_in(way)
                for _time in range(2):
                    way.sendall(alarm)
                    assert way.recv(64) == make.gt06(0x16, b"", 9)
                    assert UrgentMessage.objects.count() == 1, "it is there before the tracker is answered"
        taken(1)
        wait_for(lambda: DeviceState.objects.filter(device__public_id=IMEI, last_seen__isnull=False).exists())
    (press,) = pressed
    assert press.message["type"] == "panic" and press.message["vehicle"] == "7" and not press.doubtful
    assert (press.message["lat"], press.message["lon"]) == pytest.approx((LAT, LON), abs=1e-5)
    assert press.device.public_id == IMEI
    kept = UrgentMessage.objects.get()
    assert (kept.times, kept.subject, kept.sent_at) == (4, f"alarm:{IMEI}", now * 1000)
    fix = taken.fixes[0]
    assert (fix.vehicle, fix.device, fix.fix_class) == ("7", IMEI, 1)


def test_two_presses_are_two(ports: Ports, receiver: Make, pressed: list[Urgent]) -> None:
    receiver(IMEI, protocol="gt06")
    with doors(ports), connect(ports["gt06"]) as way:
        log_in(way)
        for serial, before in ((9, 5), (10, 3)):
            way.sendall(make.gt06_alarm(int(time.time()) - before, LAT, LON, 0x01, serial))
            assert way.recv(64) == make.gt06(0x16, b"", serial)
    assert len(pressed) == 2


def test_the_answer_waits_for_the_commit(
    ports: Ports, receiver: Make, monkeypatch: pytest.MonkeyPatch, pressed: list[Urgent]
) -> None:
    receiver(IMEI, protocol="gt06")
    go = threading.Event()

    def slow(presses: list[Urgent]) -> list[str]:
        go.wait(10)
        return [f"alarm:{press.device.public_id}" for press in presses]

    monkeypatch.setattr(door, "alarm", slow)
    with doors(ports), connect(ports["gt06"]) as way, connect(ports["gt06"]) as other:
        log_in(way)
        log_in(other)
        wait_for(lambda: DeviceState.objects.filter(device__public_id=IMEI, last_seen__isnull=False).exists())
        way.sendall(make.gt06_alarm(int(time.time()), LAT, LON, 0x01, serial=9))
        assert silent(way) and not UrgentMessage.objects.exists()
        # Positions do not wait behind it.
        other.sendall(make.gt06(0x12, make.gt06_place(int(time.time()), LAT, LON) + bytes(8), 5))
        assert other.recv(64) == make.gt06(0x12, b"", 5)
        go.set()
        assert way.recv(64) == make.gt06(0x16, b"", 9)
        assert UrgentMessage.objects.get().subject


@pytest.mark.parametrize(
    ("fault", "times"), [(OperationalError("the connection is lost"), 1), (Invalid("There is no such line."), 0)]
)
def test_what_is_not_taken_is_not_answered(
    ports: Ports, receiver: Make, monkeypatch: pytest.MonkeyPatch, fault: Exception, times: int, counted: Counted
) -> None:
    """Trouble of the database passes, and the alarm is taken then; what the service refuses is counted."""
    receiver(IMEI, protocol="gt06")
    tried = []

    def stumble(presses: list[Urgent]) -> list[str]:
        tried.append(presses)
        if times and len(tried) > 2:
            return ["alarm:7" for _press in presses]
        raise fault

    monkeypatch.setattr(door, "alarm", stumble)
    with doors(ports), connect(ports["gt06"]) as way:
        log_in(way)
        way.sendall(make.gt06_alarm(int(time.time()), LAT, LON, 0x01, serial=9))
        if times:
            assert way.recv(64) == make.gt06(0x16, b"", 9) and len(tried) == 3
        else:
            assert silent(way, 1.5)
            assert any(device == IMEI for device, _reason in counted.found)
    assert UrgentMessage.objects.count() == times


def test_an_alarm_that_no_service_takes_is_counted_and_not_answered(
    ports: Ports, receiver: Make, monkeypatch: pytest.MonkeyPatch, counted: Counted
) -> None:
    monkeypatch.setattr(service, "city_services", lambda: (door.OTHER,))
    receiver(IMEI, protocol="gt06")
    with doors(ports), connect(ports["gt06"]) as way:
        log_in(way)
        way.sendall(make.gt06_alarm(int(time.time()), LAT, LON, 0x01))
        assert silent(way, 1.0)
    assert counted.found[IMEI, "unknown_kind"] == 1 and not UrgentMessage.objects.exists()


def test_a_code_that_nobody_knows_is_an_alarm_and_a_hard_brake_is_none(
    ports: Ports, receiver: Make, pressed: list[Urgent]
) -> None:
    receiver(IMEI, protocol="gt06")
    with doors(ports), connect(ports["gt06"]) as way:
        log_in(way)
        for serial, code in ((1, 0x7D), (2, 0x27)):
            way.sendall(make.gt06_alarm(int(time.time()), LAT, LON, code, serial))
            assert way.recv(64) == make.gt06(0x16, b"", serial)
    assert [(press.message["type"], press.message["code"]) for press in pressed] == [("unknown", "0x7d")]


def test_every_protocol_at_its_own_port(ports: Ports, receiver: Make, taken: Taken, pressed: list[Urgent]) -> None:
    phone = "013912345678"
    for identity, name in ((phone, "jt808"), (IMEI, "queclink"), (OTHER, "teltonika"), ("100850000", "suntech")):
        receiver(identity, protocol=name, vehicle=name)
    now = int(time.time())
    with doors(ports):
        with connect(ports["jt808"]) as way:
            way.sendall(make.jt808(0x0200, make.jt808_location(now, LAT, LON, alarms=1), phone, serial=5))
            assert b"\x80\x01" in way.recv(64)
        with connect(ports["queclink"]) as way:
            sent = time.strftime("%Y%m%d%H%M%S", time.gmtime(now))
            place = f"GL300,0,0,1,1,0.0,0,70.0,{LON:.6f},{LAT:.6f},{sent},0724,0005,18D8,6141,00,80"
            way.sendall(make.queclink("SOS", IMEI, place).replace(b"20260102030405,11F0", f"{sent},11F0".encode()))
            assert way.recv(64) == b"+SACK:11F0$"
        with connect(ports["teltonika"]) as way:
            way.sendall(struct.pack(">H", 15) + OTHER.encode())
            assert way.recv(1) == b"\x01"
            record = make.teltonika_record(now, LAT, LON, {236: (1, 1)}, priority=2, event=236)
            way.sendall(make.teltonika([record]))
            assert way.recv(64) == b"\0\0\0\x01"
        with connect(ports["suntech"]) as way:
            way.sendall(make.suntech_alert("100850000", now, LAT, LON, 42))
            taken(4)
            wait_for(lambda: len(pressed) == 4)
            assert silent(way)
    assert {fix.vehicle for fix in taken.fixes} == {"jt808", "queclink", "teltonika", "suntech"}
    assert sorted(press.message["alarm"] for press in pressed) == ["general", "sos", "sos", "sos"]


def test_teltonika_by_udp(ports: Ports, receiver: Make, taken: Taken, counted: Counted) -> None:
    receiver(IMEI, protocol="teltonika")
    record = make.teltonika_record(time.time(), LAT, LON, {})
    with doors(ports), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
        way.settimeout(5)
        target = ("127.0.0.1", ports["teltonika"])
        way.sendto(make.teltonika_datagram(OTHER, [record]), target)
        way.sendto(b"\0\x05noise", target)
        way.sendto(make.teltonika_datagram(IMEI, [record]), target)
        assert way.recv(64) == bytes.fromhex("0005cafe010301")
        (fix,) = taken(1)
        wait_for(lambda: ("", "unknown_receiver") in counted.found)
    assert fix.device == IMEI and fix.lat == pytest.approx(LAT, abs=1e-6)
    assert counted.found["", "malformed"] == 1


@pytest.mark.parametrize(
    ("identity", "protocol", "address", "reason"),
    [
        (OTHER, "gt06", "127.0.0.1", "unknown_receiver"),
        (IMEI, "jt808", "127.0.0.1", "unknown_address"),
        (IMEI, "gt06", "203.0.113.0/24", "unknown_address"),
        (IMEI, "nmea", "127.0.0.1", "unknown_address"),
    ],
)
def test_who_is_not_registered_for_it_is_not_heard(
    ports: Ports, receiver: Make, counted: Counted, pressed: list[Urgent],
    identity: str, protocol: str, address: str, reason: str,
) -> None:  # fmt: skip
    receiver(identity, protocol=protocol, address=address)
    with running(trackers.run):
        wait_for(lambda: socket.socket().connect_ex(("127.0.0.1", ports["gt06"])) == 0)
        with connect(ports["gt06"]) as way:
            way.sendall(LOGIN + make.gt06_alarm(int(time.time()), LAT, LON, 1))
            assert closed(way)
        wait_for(lambda: ("", reason) in counted.found)
    assert not pressed and not any(device for device, _reason in counted.found)


def test_an_alarm_without_a_log_in_is_nobodys(ports: Ports, receiver: Make, counted: Counted) -> None:
    receiver(IMEI, protocol="gt06")
    with doors(ports), connect(ports["gt06"]) as way:
        way.sendall(make.gt06_alarm(int(time.time()), LAT, LON, 1))
        assert closed(way)
        wait_for(lambda: ("", "no_greeting") in counted.found)
    assert not UrgentMessage.objects.exists()


def test_a_tracker_that_nobody_knows_is_told_so_by_its_protocol(ports: Ports, receiver: Make) -> None:
    receiver(IMEI, protocol="teltonika")
    with doors(ports), connect(ports["teltonika"]) as way:
        way.sendall(struct.pack(">H", 15) + OTHER.encode())
        assert way.recv(1) == b"\0" and closed(way)


def test_one_that_is_switched_off_is_closed(ports: Ports, receiver: Make) -> None:
    receiver(IMEI, protocol="gt06")
    with doors(ports), connect(ports["gt06"]) as way:
        log_in(way)
        disable(BUILDER, IMEI)
        assert closed(way)


def test_a_damaged_alarm_gets_no_answer_and_the_next_one_does(
    ports: Ports, receiver: Make, counted: Counted, pressed: list[Urgent]
) -> None:
    receiver(IMEI, protocol="gt06")
    alarm = make.gt06_alarm(int(time.time()), LAT, LON, 1, serial=9)
    bad = bytearray(alarm)
    bad[12] ^= 1
    with doors(ports), connect(ports["gt06"]) as way:
        log_in(way)
        way.sendall(bytes(bad))
        assert silent(way)
        way.sendall(alarm)
        assert way.recv(64) == make.gt06(0x16, b"", 9)
    assert len(pressed) == 1 and counted.found["", "malformed"] == 1


def test_floods_take_nobody_along(ports: Ports, receiver: Make, counted: Counted, pressed: list[Urgent]) -> None:
    """Noise from one connection, and packets from everywhere; the panic button of another is answered in time."""
    for identity in (IMEI, OTHER):
        receiver(identity, protocol="gt06", address="127.0.0.0/8")
    stop = threading.Event()

    def pour() -> None:
        with connect(ports["gt06"]) as way:
            way.sendall(make.gt06(0x01, bytes.fromhex("0" + OTHER)))
            way.settimeout(0.2)
            while not stop.is_set():
                try:
                    way.sendall(b"xx\xff\x22yy\x0f\xff\r\n" * 300)
                except OSError:
                    return

    def shower() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
            while not stop.is_set():
                way.sendto(b"\0\x10\xca\xfe\x01" + b"9" * 200, ("127.0.0.1", ports["teltonika"]))

    with doors(ports):
        threads = [threading.Thread(target=one) for one in (pour, shower)]
        for thread in threads:
            thread.start()
        try:
            with connect(ports["gt06"]) as way:
                log_in(way)
                for serial in range(5):
                    began = time.monotonic()
                    way.sendall(make.gt06_alarm(int(time.time()) - serial, LAT, LON, 1, serial))
                    assert way.recv(64) == make.gt06(0x16, b"", serial)
                    assert time.monotonic() - began < 5
        finally:
            stop.set()
            for thread in threads:
                thread.join(5)
    assert len(pressed) == 5 and counted.found["", "malformed"] > 0


def test_one_device_may_not_press_without_end(
    ports: Ports, receiver: Make, counted: Counted, pressed: list[Urgent]
) -> None:
    receiver(IMEI, protocol="gt06")
    now = int(time.time())
    with doors(ports), connect(ports["gt06"]) as way:
        log_in(way)
        way.sendall(b"".join(make.gt06_alarm(now - number % 50, LAT, LON, 1, number) for number in range(60)))
        wait_for(lambda: counted.found.get((IMEI, "rate"), 0) >= 30)
        wait_for(lambda: len(pressed) >= 20)
    assert len(pressed) + counted.found[IMEI, "rate"] >= 60


def test_a_clock_that_tells_nothing_makes_neither_many_of_one_nor_one_of_many(
    ports: Ports, receiver: Make, pressed: list[Urgent]
) -> None:
    receiver(IMEI, protocol="gt06")
    with doors(ports), connect(ports["gt06"]) as way:
        log_in(way)
        for serial in (1, 1, 2):
            way.sendall(make.gt06_alarm(946_684_800 + 86_400 * 3000, LAT, LON, 1, serial))
            assert way.recv(64) == make.gt06(0x16, b"", serial)
    assert len(pressed) == 2 and all(press.doubtful for press in pressed)


def test_the_receivers_door_is_not_opened_by_trackers(
    configure: Callable[..., None], receiver: Make, counted: Counted, taken: Taken, transactional_db: None
) -> None:
    """A tracker on a telephone network is registered for any address; that opens no other door."""
    receiver(IMEI, protocol="gt06", address="0.0.0.0/0")
    port = free_port()
    configure(doors={"host": "127.0.0.1", "receiver_port": port})
    with running(tcp.run):
        wait_for(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0)
        with connect(port) as way:
            assert closed(way)
        wait_for(lambda: ("", "unknown_address") in counted.found)


@pytest.mark.django_db
@pytest.mark.parametrize(("identity", "address"), [("", "127.0.0.1"), (IMEI, "mqtt")])
def test_a_tracker_needs_its_own_number_and_a_network(identity: str, address: str) -> None:
    with pytest.raises(Invalid):
        register_receiver(BUILDER, vehicle="7", address=address, protocol="gt06", public_id=identity)


@pytest.mark.parametrize(
    "wrong",
    [{"trackers": {"morse": 5000}}, {"trackers": {"gt06": 70_000}}, {"trackers": [5023]}, {"tracker_alarms": "sos"},
     {"tracker_alarms": [1]}],
)  # fmt: skip
def test_what_is_wrong_in_the_city_file_is_said(configure: Callable[..., None], wrong: dict[str, Any]) -> None:
    configure(doors=wrong)
    with pytest.raises(ValueError, match=r"service\.vehicles\.doors"):
        options()


def test_trackers_whose_door_is_shut_are_told_of(configure: Callable[..., None], receiver: Make) -> None:
    receiver(IMEI, protocol="gt06")
    configure()
    assert [what for level, what, _mend in check() if level == "warning"] == [
        "vehicles: 1 trackers of gt06 are registered, and their door is shut."
    ]
    configure(doors={"trackers": {"gt06": 5023}})
    assert not list(check())
