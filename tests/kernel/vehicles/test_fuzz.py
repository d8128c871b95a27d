"""Whatever comes through a door: it stays open, and what is good still comes through."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cityhall.engines.gnss.nmea import sentence
from cityhall.kernel.devices.receive import receive
from cityhall.kernel.devices.registry import register
from cityhall.kernel.vehicles.doors import caster, tcp
from cityhall.kernel.vehicles.tracking.tracker import Tracking
from cityhall.simulator.signing import Signer
from tests.kernel.vehicles.conftest import BUILDER, Counted, Taken, epoch, free_port, running, wait_for

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
    st.sampled_from([10**6, -1, 2**63, 1e308, "NaN", "inf", "\0", [], {}, {"a": [1]}, "9" * 400]),
)
FIELDS = (
    "lon",
    "lat",
    "at",
    "speed",
    "bearing",
    "fix_class",
    "sigma_m",
    "trip",
    "line",
    "occupancy",
    "vehicle",
    "kind",
)


@pytest.mark.django_db
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(wrong=st.dictionaries(st.sampled_from(FIELDS), VALUES, min_size=1, max_size=4))
def test_a_phone_may_send_anything(counted: Counted, wrong: dict[str, Any]) -> None:
    with transaction.atomic():
        _device, key = register(BUILDER, kind="gateway", owner="transit", public_id="phone")
        signer = Signer("phone", key)
        good = {"kind": "position", "vehicle": "7", "lon": 126.5, "lat": 33.5, "at": time.time()}
        (outcome,) = receive([signer.envelope([good | wrong])])
        assert outcome.refusal is None or outcome.refusal.code in ("invalid", "malformed"), outcome.refusal
        (after,) = receive([signer.envelope([good])])
        assert after.accepted == 1
        # What was taken stops no tracker.
        assert Tracking().tick() >= 1
        transaction.set_rollback(True)
    from cityhall.kernel.devices.signers import forget

    forget()


@pytest.fixture
def ports(
    configure: Callable[..., None], counted: Counted, taken: Taken, transactional_db: None
) -> Iterator[tuple[int, int]]:
    receivers, corrections = free_port(), free_port()
    configure(doors={"host": "127.0.0.1", "receiver_port": receivers, "ntrip_port": corrections})
    with running(tcp.run), running(caster.run):
        for number in (receivers, corrections):
            wait_for(lambda number=number: socket.socket().connect_ex(("127.0.0.1", number)) == 0)
        yield receivers, corrections


def mutated(seeds: list[bytes], luck: random.Random) -> bytes:
    """Some of the seeds in a row, with bytes changed, cut out and put in."""
    data = bytearray(b"".join(luck.choices(seeds, k=luck.randrange(1, 6))))
    for _ in range(luck.randrange(8)):
        place = luck.randrange(len(data))
        data[place : place + luck.randrange(4)] = luck.randbytes(luck.randrange(4))
        if not data:
            return luck.randbytes(20)
    return bytes(data[: luck.randrange(1, len(data) + 1)])


def test_bytes_at_the_doors(ports: tuple[int, int], receiver: Callable[..., str], taken: Taken) -> None:
    receiver("rx-1", address="127.0.0.0/8")
    receiver("rx-2", address="127.0.0.0/8", protocol="ubx")
    time.sleep(0.6)
    luck = random.Random(5)
    seeds = {
        ports[0]: [
            *(sentence(b"$PCHID,rx-1"), sentence(b"$PCHID,rx-2"), epoch(), b"\xb5\x62\x01\x07\x5c\x00" + bytes(94)),
            *(b"\r\n", b"$", b"\\s:x*00\\", b"$GPGGA,,,,,,0,,,,,,,,*66\r\n", b"\xb5", b"\xff" * 300),
        ],
        ports[1]: [
            *(b"GET / HTTP/1.1\r\n", b"POST /X HTTP/1.1\r\n", b"SOURCE x /X\r\n", b"Ntrip-Version: Ntrip/2.0\r\n"),
            *(
                b"Authorization: Basic " + b"eDp5" * 9 + b"\r\n",
                b"\r\n\r\n",
                b"\xd3\x00\x13",
                b"ffffff\r\n",
                b"Transfer-Encoding: chunked\r\n",
            ),
        ],
    }
    for port, known in seeds.items():
        for _ in range(150):
            with socket.create_connection(("127.0.0.1", port), timeout=5) as way:
                try:
                    way.sendall(mutated(known, luck))
                except OSError:
                    continue  # it was closed on us, as it may be
    before = len(taken(0))

    def good() -> bool:
        # One that is still thought open may have the last place of the address.
        with socket.create_connection(("127.0.0.1", ports[0]), timeout=5) as way:
            way.sendall(sentence(b"$PCHID,rx-1") + epoch(100.25, 10.5))
            time.sleep(0.4)
        return any(fix.lon == pytest.approx(100.25, abs=1e-5) for fix in taken(0)[before:])

    wait_for(good)
    with socket.create_connection(("127.0.0.1", ports[1]), timeout=5) as way:
        way.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert way.recv(100).startswith(b"SOURCETABLE 200 OK")
