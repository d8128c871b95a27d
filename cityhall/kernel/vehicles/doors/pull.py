"""Fetching a base station's corrections from another caster."""

from __future__ import annotations

import asyncio
import base64
import logging
import random
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cityhall.engines.gnss import ntrip
from cityhall.kernel.devices import keys
from cityhall.kernel.errors import Unavailable
from cityhall.kernel.vehicles.doors.stations import Station

if TYPE_CHECKING:
    from cityhall.kernel.vehicles.doors.caster import Caster

SILENT_S = 60.0
LONGEST_WAIT_S = 60.0
log = logging.getLogger("cityhall.transit.caster")


class Refused(Exception):
    """The other caster does not give it."""


async def pull(caster: Caster, station: Station) -> None:
    """Fetches until cancelled; after a failure it waits longer and longer, up to a minute."""
    wait = 1.0
    while True:
        try:
            await _fetch(caster, station)
            wait = 1.0
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as problem:
            log.warning("base station %s cannot be fetched: %r", station.mountpoint, problem)
        except (Refused, Unavailable, ntrip.RequestError) as problem:
            log.error("base station %s is not given: %s", station.mountpoint, problem)
            wait = max(wait, 10.0)
        except Exception:
            # Whatever the other caster sends: this station is asked again, and the others never noticed.
            log.exception("base station %s stumbles", station.mountpoint)
            wait = max(wait, 10.0)
        # Not all at one moment after the other caster has been away.
        await asyncio.sleep(wait * random.uniform(0.75, 1.25))
        wait = min(wait * 2, LONGEST_WAIT_S)


async def _fetch(caster: Caster, station: Station) -> None:
    from cityhall.kernel.vehicles.doors.caster import AGENT, Mount

    where = urlsplit(station.source)
    assert where.hostname is not None
    reader, writer = await asyncio.wait_for(asyncio.open_connection(where.hostname, where.port, limit=8192), 15)
    mount = None
    try:
        login = base64.b64encode(keys.unseal(station.login)).decode()
        writer.write(
            f"GET {where.path} HTTP/1.1\r\nHost: {where.hostname}:{where.port}\r\nNtrip-Version: Ntrip/2.0\r\n"
            f"User-Agent: NTRIP {AGENT}\r\nAuthorization: Basic {login}\r\nConnection: close\r\n\r\n".encode()
        )
        chunked = await asyncio.wait_for(_head(reader), 15)
        body = ntrip.Chunks() if chunked else None
        mount = caster.mounts[station.mountpoint] = Mount(station, asyncio.current_task())
        while data := await asyncio.wait_for(reader.read(8192), SILENT_S):
            caster.sent(mount, body.feed(data) if body else data)
            if body and body.ended:
                return
    finally:
        if mount is not None and caster.mounts.get(station.mountpoint) is mount:
            del caster.mounts[station.mountpoint]
        writer.close()


async def _head(reader: asyncio.StreamReader) -> bool:
    """Reads the answer's head; whether the body comes in chunks. Raises Refused where it is no stream."""
    first = (await reader.readline()).decode("latin-1").strip()
    if first == "ICY 200 OK":
        # Some casters of version 1 send no empty line after it: the frames that follow are found anyway.
        return False
    parts = first.split(" ", 2)
    if len(parts) < 2 or not parts[0].startswith("HTTP/1.") or parts[1] != "200":
        raise Refused(first[:200])
    rest = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    if "gnss/sourcetable" in rest:
        raise Refused("there is no such mountpoint")
    return "transfer-encoding: chunked" in rest
