"""What the runs of presses stand on: the bad network is bad, and the log of the database is read right."""

from __future__ import annotations

import asyncio
import random

import pytest

from cityhall.bench.alerts_load import packet, text
from tests.faults.between import HOST, Between, Chances, packets
from tests.faults.wal import _commits

BODY = b'{"key": "0123456789abcdef"}'
ASKED = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY
ANSWER = b"HTTP/1.1 200 OK\r\n\r\n{}"
SMOOTH = Chances(double=0, delay=0, cut=0)


def test_packets_are_found_wherever_they_are_cut() -> None:
    sent = [packet(0x32, text("a") + b"\x00\x01" + b"x" * size) for size in (0, 1, 120, 20_000)]
    whole = b"".join(sent)
    for at in range(0, len(whole), 7):
        first, rest = packets(whole[:at])
        second, left = packets(rest + whole[at:])
        assert [*first, *second] == sent and left == b""


async def over(chances: Chances, *, mqtt: bool) -> tuple[bytes, list[bytes]]:
    """What comes back from a city behind such a network, and what it was sent."""
    came: list[bytes] = []

    async def city(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.append(await reader.read(65_536))
        if mqtt:
            while data := await reader.read(65_536):
                came.append(data)
        elif came[-1].endswith(BODY):
            writer.write(ANSWER)
        writer.close()

    server = await asyncio.start_server(city, HOST, 0)
    port = server.sockets[0].getsockname()[1]
    async with Between(port, port, random.Random(1), chances).open() as ways:
        reader, writer = await asyncio.open_connection(HOST, ways[0 if mqtt else 1])
        writer.write(packet(0x30, text("a") + BODY) if mqtt else ASKED)
        if mqtt:
            await asyncio.sleep(0.1)
            writer.close()
        said = await asyncio.wait_for(reader.read(), 5)
        await asyncio.sleep(0.05)
    server.close()
    return said, came


def test_what_is_asked_comes_once_twice_or_in_half() -> None:
    assert asyncio.run(over(SMOOTH, mqtt=False)) == (ANSWER, [ASKED])
    assert asyncio.run(over(Chances(double=1, delay=0, cut=0), mqtt=False)) == (ANSWER, [ASKED, ASKED])
    said, came = asyncio.run(over(Chances(double=0, delay=0, cut=1), mqtt=False))
    assert said == b"" and len(came) == 1 and came[0] == ASKED[: -len(BODY) + len(BODY) // 2]


def test_what_is_published_comes_once_twice_or_in_half() -> None:
    whole = packet(0x30, text("a") + BODY)
    for chances, there in (
        (SMOOTH, whole),
        (Chances(double=1, delay=0, cut=0), whole * 2),
        (Chances(double=0, delay=0, cut=1), whole[: len(whole) // 2]),
    ):
        assert b"".join(asyncio.run(over(chances, mqtt=True))[1]) == there


LOG = """\
rmgr: Transaction len (rec/tot):     46/    46, tx:        741, lsn: 0/01529A18, prev 0/015299D8, desc: COMMIT 2026
rmgr: Transaction len (rec/tot):     34/    34, tx:        742, lsn: 0/01529A48, prev 0/01529A18, desc: ABORT 2026
rmgr: Transaction len (rec/tot):    102/   102, tx:        743, lsn: 1/00000010, prev 0/01529A48, desc: COMMIT 2026 \
15:00:00.1 UTC; subxacts: 744 745; inval msgs: catcache 50
"""


@pytest.mark.parametrize(
    ("number", "end"), [(741, 0x1529A18 + 46), (742, None), (743, 2**32 + 0x10 + 102), (745, 2**32 + 0x10 + 102)]
)
def test_where_a_commit_ends_is_read_from_the_log(number: int, end: int | None) -> None:
    assert dict(_commits(LOG.splitlines())).get(number) == end
