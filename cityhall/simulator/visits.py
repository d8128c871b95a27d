"""How a simulated person reaches the city: from an address of their own, by its pages and its API."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import httpx

FIRST_HOME = int(ipaddress.ip_address("127.1.0.1"))
Connect = Callable[[int], httpx.Client]
"""A client from the home of the person of that number."""


def home(number: int) -> str:
    """The address of a person's home, of the block that a machine has for itself (RFC 6890: 127.0.0.0/8)."""
    return str(ipaddress.ip_address(FIRST_HOME + number))


def connector(city: str) -> Connect:
    """Connections to a city on this machine, each from its own home.

    Where the city is on another machine, or this one has a single address for itself (macOS), all come from that one.
    """
    many = urlsplit(city).hostname in ("localhost", "127.0.0.1") and _can_be(home(0))

    def connect(number: int) -> httpx.Client:
        way = httpx.HTTPTransport(local_address=home(number) if many else None)
        return httpx.Client(base_url=city, timeout=20, transport=way)

    return connect


def _can_be(address: str) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True


class Visit:
    """One person's browser: it keeps cookies, and sends the token that forms carry."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client

    def get(self, path: str, **query: Any) -> httpx.Response:
        """Asks for a page or for data."""
        return self.client.get(path, params=query)

    def post(self, path: str, values: dict[str, Any], files: Any = None) -> httpx.Response:
        """Sends a form. Raises httpx.HTTPStatusError for what is refused."""
        answer = self.client.post(path, data=values, files=files, headers=self.token)
        return answer if answer.is_redirect else answer.raise_for_status()

    @property
    def token(self) -> dict[str, str]:
        """The header by which a page of the city says that a change is its own."""
        return {"X-CSRFToken": self.client.cookies.get("csrftoken") or ""}

    def sign_in(self, email: str, password: str) -> None:
        """Signs in by the city's page. Raises httpx.HTTPStatusError where it is not let in."""
        self.get("/accounts/login/").raise_for_status()
        answer = self.post("/accounts/login/", {"login": email, "password": password})
        if not answer.is_redirect:
            raise httpx.HTTPStatusError("not let in", request=answer.request, response=answer)
