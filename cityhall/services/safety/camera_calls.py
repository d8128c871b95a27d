"""Asking cameras over the network: at addresses that a supervisor has registered, and at no others.

They may be private ones, for that is where cameras are; this machine itself and what is only on its own link (where
clouds keep their secrets) only where city.toml names the host, `[service.safety] servers`. The name is resolved
here and the connection goes to the very address that was checked. Nothing that sends on is followed, an answer has a
limit of bytes and of time, whatever it trickles, and the password is only ever sent as a digest (RFC 7616).
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from cityhall.kernel.errors import Invalid, Unavailable
from cityhall.kernel.values import url_parts
from cityhall.services.safety.carrying import camera_servers

if TYPE_CHECKING:
    import httpx

WEB = ("http", "https")
SECONDS = 5.0
"""For an answer, all of it."""
PICTURES = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png"}
PICTURE_BYTES, PLAYLIST_BYTES, SEGMENT_BYTES, MESSAGE_BYTES = 8_000_000, 1_000_000, 24_000_000, 1_000_000


@dataclass(frozen=True, slots=True)
class Login:
    """By whom a camera is asked."""

    name: str
    password: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What a camera sent."""

    body: bytes
    headers: httpx.Headers


def origin(url: str) -> tuple[str, str, int]:
    """(scheme, host, port) of an address; what is none has an empty host."""
    parts = url_parts(url)
    return (
        parts.scheme,
        (parts.hostname or "").lower(),
        parts.port or {"https": 443, "rtsp": 554, "rtsps": 322}.get(parts.scheme, 80),
    )


def checked_address(url: str, field: str = "", *, schemes: Collection[str] = WEB) -> tuple[str, str, int]:
    """(host, its address, port) of a camera's address that may be asked. Raises Invalid for one that may not."""
    parts = url_parts(url)
    host, port = origin(url)[1:]
    try:
        if parts.scheme not in schemes or not host or parts.username or parts.password or "\\" in url:
            raise ValueError
        found = sorted({str(one[4][0]) for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)})
    except (ValueError, UnicodeError, OSError) as problem:
        raise Invalid(
            _("This is no address that a camera can be asked at."),
            code="no_address",
            field=field,
            mend=_("Write it whole, without a name and password in it: http://host/path."),
        ) from problem
    if host not in camera_servers() and any(map(_own, found)):
        raise Invalid(
            _("This address is the city's own machine or its link, where no camera is."),
            code="own_address",
            field=field,
            mend=_("Whoever runs the city can allow it: [service.safety] servers in city.toml."),
        )
    return host, found[0], port


def _own(text: str) -> bool:
    """Whether an address is this machine's, only on its link, or nobody's."""
    address = ip_address(text.split("%")[0])
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    return address.is_loopback or address.is_link_local or address.is_unspecified or address.is_multicast


def ask(url: str, login: Login | None, most: int, *, message: bytes = b"", kind: str = "") -> Answer:
    """The answer to a GET, or to the POST of a `message`. Raises Unavailable where none comes, Invalid (see above)."""
    # Only who asks a camera needs it: a city starts without.
    import httpx

    host, address, port = checked_address(url)
    try:
        return asyncio.run(_asked(url, host, address, port, login, most, message, kind))
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError, ValueError) as problem:
        raise unreachable(type(problem).__name__) from problem


async def _asked(
    url: str, host: str, address: str, port: int, login: Login | None, most: int, message: bytes, kind: str
) -> Answer:
    import httpx

    parts = urlsplit(url)
    pinned = parts._replace(netloc=f"[{address}]:{port}" if ":" in address else f"{address}:{port}", fragment="")
    headers = {"Host": parts.netloc, "User-Agent": "Cityhall", "Accept-Encoding": "identity"}
    if kind:
        headers["Content-Type"] = kind
    async with (
        asyncio.timeout(SECONDS),
        httpx.AsyncClient(timeout=SECONDS, trust_env=False, follow_redirects=False) as client,
        client.stream(
            "POST" if message else "GET",
            pinned.geturl(),
            headers=headers,
            content=message or None,
            auth=httpx.DigestAuth(login.name, login.password) if login else None,
            extensions={"sni_hostname": host},
        ) as answer,
    ):
        # A fault of ONVIF comes with a status of 400 or 500 (SOAP 1.2, part 2, 7.5.2), and says what is wrong.
        if answer.status_code != 200 and not (message and answer.status_code in (400, 500)):
            raise ValueError(answer.status_code)
        body = bytearray()
        async for piece in answer.aiter_raw():
            body += piece
            if len(body) > most:
                raise ValueError("too much")
        return Answer(bytes(body), answer.headers)


def picture_kind(body: bytes) -> str:
    """What picture it is, by its bytes. Raises Unavailable for what is none that browsers show everywhere."""
    for magic, kind in PICTURES.items():
        if body.startswith(magic):
            return kind
    raise unreachable("what it sent is no picture")


def unreachable(why: str = "") -> Unavailable:
    """The error of a camera that was asked in vain; `why` is for the log and the supervisor, not for the operator."""
    error = Unavailable(
        _("This camera cannot be reached."), code="camera_unreachable", mend=_("Try it again, or look at another one.")
    )
    error.add_note(why)
    return error
