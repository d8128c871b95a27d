"""Asking other servers: public addresses only, a few redirects, a limit of bytes and of time.

The name is resolved here, each of its addresses must be public, and the connection goes to the very address that was
checked: a name that means another address a moment later (DNS rebinding) gains nothing. A city that has servers of its
own names them in `[service.map] servers`.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

import orjson
from django.conf import settings
from django.utils.translation import gettext as _

from cityhall.kernel.errors import Invalid, TooMany
from cityhall.kernel.values import is_public, url_parts

if TYPE_CHECKING:
    import httpx

TIMEOUT_S = 20.0
REDIRECTS = 3
ANSWER_BYTES = 30_000_000
PAGES = 200


def checked_address(url: str) -> tuple[str, str, int]:
    """(host, its address, port) of a URL that may be asked. Raises Invalid for one that may not."""
    parts = url_parts(url)
    host = parts.hostname or ""
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
        if parts.scheme not in ("http", "https") or not host or parts.username or "\\" in url:
            raise ValueError
        found = {str(one[4][0]) for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    except (ValueError, UnicodeError, OSError) as problem:
        raise Invalid(
            _("This is no address that can be asked."), field="url", mend=_("Write it whole: https://host/path.")
        ) from problem
    own = settings.CITY.options.get("map", {}).get("servers", [])
    if host not in own and not all(is_public(one) for one in found):
        raise Invalid(
            _("This server is not on the public internet."),
            field="url",
            code="private_address",
            mend=_("Whoever runs the city can allow it: [service.map] servers in city.toml."),
        )
    return host, sorted(found)[0], port


@dataclass(frozen=True)
class Answer:
    """What a server sent."""

    body: bytes
    headers: httpx.Headers


def fetch(url: str, *, accept: str = "*/*") -> bytes:
    """The body of a GET. Raises Invalid for what may not be asked or does not answer well, TooMany for too much."""
    return ask(url, accept=accept).body


def ask(url: str, *, accept: str = "*/*", redirects: int = REDIRECTS, origin: str = "") -> Answer:
    """The answer to a GET; with `origin` as a page of that address asks (Fetch standard, CORS).

    Raises Invalid for what may not be asked or does not answer well, TooMany for too much.
    """
    # A sixth of a second of every process, and most ask nobody.
    import httpx

    for turn in range(redirects + 1):
        host, address, port = checked_address(url)
        parts = urlsplit(url)
        target = f"[{address}]" if ":" in address else address
        pinned = parts._replace(netloc=f"{target}:{port}").geturl()
        headers = {"Host": parts.netloc, "Accept": accept, "User-Agent": "Cityhall", "Accept-Encoding": "identity"}
        if origin:
            headers["Origin"] = origin
        try:
            with (
                httpx.Client(timeout=TIMEOUT_S, trust_env=False) as client,
                client.stream("GET", pinned, headers=headers, extensions={"sni_hostname": host}) as answer,
            ):
                if answer.is_redirect:
                    url = urljoin(url, answer.headers.get("Location", ""))
                    if turn == redirects:
                        raise unanswered(_("it sends on to %(url)s") % {"url": url[:200]})
                    continue
                if answer.status_code != 200:
                    raise unanswered(f"HTTP {answer.status_code}")
                return Answer(_body(answer), answer.headers)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as problem:
            raise unanswered(type(problem).__name__) from problem
    raise AssertionError("the last turn answers or raises")


def _body(answer: httpx.Response) -> bytes:
    body = bytearray()
    for piece in answer.iter_raw():
        body += piece
        if len(body) > ANSWER_BYTES:
            raise TooMany(_("The server sends too much."), field="url", mend=_("Ask it for less."))
    return bytes(body)


def unanswered(why: str) -> Invalid:
    """The error of a server that was asked and did not do its part."""
    return Invalid(
        _("The server does not answer as it should: %(why)s.") % {"why": why},
        field="url",
        mend=_("Open the address in a browser to see what it says."),
    )


def features_of(url: str) -> list[dict[str, Any]]:
    """Every feature of an OGC API - Features collection, page after page (17-069r4, 7.15). Raises Invalid, TooMany."""
    from cityhall.services.map.datasets import limits

    address, found = url, []
    for _page in range(PAGES):
        try:
            body = orjson.loads(fetch(address, accept="application/geo+json, application/json"))
            features = body["features"]
            links = body.get("links") or []
            following = next((link["href"] for link in links if link.get("rel") == "next"), "")
        except (ValueError, KeyError, TypeError) as problem:
            raise unanswered(_("it is no page of features")) from problem
        found += features
        if len(found) > limits.ROWS:
            raise limits.too_large(_("rows"), limits.ROWS)
        if not following or not features:
            return found
        address = urljoin(address, following)
    raise limits.too_large(_("pages"), PAGES)
