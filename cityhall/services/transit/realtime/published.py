"""A document made of the present at most once a second, however many ask for it, sent in the form they can take."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.utils.cache import patch_vary_headers
from django.utils.http import http_date, parse_etags, parse_http_date_safe

from cityhall.kernel import clock as city_clock


@dataclass(frozen=True, slots=True)
class Edition:
    """What was made in a second of the clock (Unix time)."""

    second: int
    body: bytes
    packed: bytes
    mark: str


class Published:
    """`make` (Unix second) -> bytes is called once in `every` seconds in which somebody asks; who asks meanwhile waits.

    Seconds are the clock's, so that several processes publish editions of the same seconds and a reader who is sent
    to one and then another never sees an older edition after a newer one.
    """

    def __init__(self, make: Callable[[int], bytes], content_type: str, every: int = 1) -> None:
        self._make = make
        self._every = every
        self._content_type = content_type
        self._edition: Edition | None = None
        self._lock = threading.Lock()

    def edition(self) -> Edition:
        """The edition of this second."""
        edition = self._edition
        if edition is not None and edition.second == self._now():
            return edition
        with self._lock:
            second = self._now()
            if self._edition is None or self._edition.second != second:
                body = self._make(second)
                mark = blake2b(body, digest_size=12).hexdigest()
                # Level 1: most of what can be saved, for a fifth of the time.
                self._edition = Edition(second, body, gzip.compress(body, 1, mtime=second), mark)
            return self._edition

    def forget(self) -> None:
        """Makes the next edition anew."""
        self._edition = None

    def _now(self) -> int:
        second = int(city_clock.time())
        return second - second % self._every

    def answer(self, request: HttpRequest) -> HttpResponse:
        """The edition, or 304 for who has it (RFC 9110, section 13)."""
        edition = self.edition()
        packed = "gzip" in request.headers.get("Accept-Encoding", "")
        mark = f'"{edition.mark}{"-gzip" if packed else ""}"'
        if self._known(request, mark, edition.second):
            answer: HttpResponse = HttpResponseNotModified()
        else:
            answer = HttpResponse(edition.packed if packed else edition.body, content_type=self._content_type)
            if packed:
                answer["Content-Encoding"] = "gzip"
        answer["ETag"] = mark
        answer["Last-Modified"] = http_date(edition.second)
        answer["Cache-Control"] = f"public, max-age={self._every}"
        answer["Access-Control-Allow-Origin"] = "*"
        patch_vary_headers(answer, ["Accept-Encoding"])
        return answer

    @staticmethod
    def _known(request: HttpRequest, mark: str, second: int) -> bool:
        asked = request.headers.get("If-None-Match")
        if asked is not None:
            return "*" in asked or mark in parse_etags(asked)
        since = parse_http_date_safe(request.headers.get("If-Modified-Since", ""))
        return since is not None and since >= second
