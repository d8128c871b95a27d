"""Speaking to servers that somebody else named: a browser's push service, a company's call-back.

Such an address must not lead into our network: only HTTPS, to addresses of the public internet, and no redirect. A
server of the city's own, that whoever runs the city has named, is spoken to as it is written.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPSConnectionPool
from urllib3.exceptions import NewConnectionError

from cityhall.kernel.values import is_public, url_parts

LONGEST_ADDRESS = 1000


class _PublicConnection(HTTPSConnection):
    """Speaks to public addresses only."""

    def _new_conn(self) -> Any:
        connected = super()._new_conn()
        # Looked at after the connection, so that no second name lookup can give another address.
        if not is_public(connected.getpeername()[0]):
            connected.close()
            raise NewConnectionError(self, "the address is not on the public internet")
        return connected


class _PublicPool(HTTPSConnectionPool):
    ConnectionCls = _PublicConnection


class _Adapter(HTTPAdapter):
    def send(self, *arguments: Any, **values: Any) -> requests.Response:
        response = super().send(*arguments, **values | {"stream": True})
        # The status says all; what a stranger's server writes besides may have no end.
        response._content, response._content_consumed = b"", True
        response.close()
        return response


class _PublicAdapter(_Adapter):
    def init_poolmanager(self, *arguments: Any, **values: Any) -> None:
        super().init_poolmanager(*arguments, **values)
        self.poolmanager.pool_classes_by_scheme = {"https": _PublicPool}


class _Session(requests.Session):
    def __init__(self, own: Collection[str]) -> None:
        super().__init__()
        self.adapters.clear()
        self.mount("https://", _PublicAdapter())
        self.max_redirects = 0
        self._own, self._trusted = frozenset(own), _Adapter()

    def get_adapter(self, url: str) -> BaseAdapter:
        parts = url_parts(url)
        if parts.hostname in self._own and parts.scheme in ("http", "https"):
            return self._trusted
        return super().get_adapter(url)

    def close(self) -> None:
        super().close()
        self._trusted.close()


def new_session(own: Collection[str] = ()) -> requests.Session:
    """A session that follows no redirect and reaches HTTPS on public addresses only, but for the hosts in `own`.

    It gives the status of an answer and nothing of its body.
    """
    return _Session(own)


def may_be_asked(url: str, own: Collection[str] = ()) -> bool:
    """Whether `new_session` could reach it: HTTPS, or of a host in `own`, and no password in it."""
    parts = url_parts(url)
    if not parts.hostname or parts.username or len(url) > LONGEST_ADDRESS:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in own)
