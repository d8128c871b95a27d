"""Quiet residents, each with an address of their own: ordinary pages every few seconds, and how long each takes."""

from __future__ import annotations

import http.client
import math
import re
import threading
import time
import uuid
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from tests.endurance.city import City

PAUSE_S = 2.0
PAGES = (
    *("/", "/transit/stops/st01/", "/reports/", "/reports/new/", "/accounts/login/", "/map/", "/healthz"),
    *("/api/transit/stops/st01/arrivals", "/transit/buses/", "/api/reports/?limit=20", "/transit/lines/"),
    *("/safety/", "/safety/escort/", "/safety/warnings/", "/safety/warnings/feed.xml", "/safety/campaigns/"),
)
FILES_EVERY, SIGNS_IN_EVERY = 97, 41
"""So many pages lie between two reports, and between two times that somebody signs in."""
LONGEST_S = 60.0


@dataclass(frozen=True, slots=True)
class Seen:
    """A page that was asked for: when (s of the monotonic clock), which, its status (0: none came), how long (s)."""

    at: float
    page: str
    status: int
    seconds: float


class Resident:
    """One of them. `email`: the account that they sign in with, from a browser that it knows."""

    def __init__(self, city: City, number: int, seen: list[Seen], email: str, password: str) -> None:
        self.city, self.seen, self._credentials = city, seen, {"login": email, "password": password}
        self.address = f"203.0.113.{number + 1}"
        self._cookies: dict[str, str] = {}
        self._pages = [*PAGES[number:], *PAGES[:number]]
        self._turn = number * 31

    def prepare(self) -> None:
        """What they have before anything goes on: a report of their own, and a browser that their account knows."""
        link = self.file("prepare")
        if link:
            self._pages.append(link)
        self.sign_in("prepare")

    def run(self, stop: threading.Event) -> None:
        while not stop.wait(PAUSE_S):
            self._turn += 1
            if self._turn % FILES_EVERY == 0:
                self.file("file a report")
            elif self._turn % SIGNS_IN_EVERY == 0:
                self.sign_in("sign in")
            else:
                page = self._pages[self._turn % len(self._pages)]
                self.ask("GET", page, "own report" if "/follow/" in page else page)

    def sign_in(self, named: str) -> None:
        """By the page, with the password; then out again by forgetting the session."""
        self._cookies = {name: value for name, value in self._cookies.items() if name == "known"}
        self.ask("GET", "/accounts/login/", "/accounts/login/")
        self.ask("POST", "/accounts/login/", named, self._credentials, right=302)
        self._cookies = {name: value for name, value in self._cookies.items() if name == "known"}

    def file(self, named: str) -> str:
        """Files a report; gives its link, "" where it was not taken."""
        report = {
            **{"category": "graffiti", "text": f"Words on the wall of house {self._turn}", "key": str(uuid.uuid4())},
            **{"lon": "-29.40000", "lat": "36.35150"},
        }
        told = self.ask("POST", "/api/reports/", named, report, right=201)
        found = re.search(rb'"link": ?"https?://[^/"]+(/[^"]+)"|"link": ?"(/[^"]+)"', told)
        return next((one.decode() for one in found.groups() if one), "") if found else ""

    def ask(self, method: str, path: str, named: str, form: dict[str, str] | None = None, right: int = 200) -> bytes:
        """Asks over a new connection, as a browser does after a while, and notes how long all of the answer took."""
        headers = {"X-Forwarded-For": self.address, "Accept": "text/html,application/json"}
        if self._cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        body = None
        if form is not None:
            body = urlencode(form)
            headers |= {"Content-Type": "application/x-www-form-urlencoded", "Referer": self.city.address}
            headers["X-CSRFToken"] = self._cookies.get("csrftoken", "")
        began, status, told = time.monotonic(), 0, b""
        wire = http.client.HTTPConnection("127.0.0.1", self.city.port, timeout=LONGEST_S)
        try:
            wire.request(method, path, body, headers)
            answer = wire.getresponse()
            told, status = answer.read(), answer.status
            for line in answer.headers.get_all("Set-Cookie") or ():
                name, _, value = line.partition(";")[0].partition("=")
                self._cookies[name] = value
        except (OSError, http.client.HTTPException):
            pass
        finally:
            wire.close()
        # What it should be counts as 200, whatever a page of that kind says then.
        took = time.monotonic() - began
        self.seen.append(Seen(began, named, 200 if status == right else status, took))
        return told


def residents(city: City, seen: list[Seen], number: int = 3) -> list[Resident]:
    """So many quiet residents, ready: to be made before anybody attacks."""
    known = city.accounts()
    found = [Resident(city, one, seen, known["residents"][one], known["password"]) for one in range(number)]
    for one in found:
        one.prepare()
    return found


def told(seen: list[Seen]) -> dict[str, Any]:
    """What they saw: times in ms, the share of what was answered as it should be, and each page's own."""
    by_page = defaultdict(list)
    for one in seen:
        by_page[one.page].append(one)
    statuses = Counter(str(one.status) for one in seen)
    return {
        **_times(seen),
        "asked": len(seen),
        "share_200": round(statuses["200"] / max(1, len(seen)), 5),
        "statuses": dict(statuses),
        "server_errors": sum(one.status >= 500 or not one.status for one in seen),
        "pages": {
            page: _times(its) | {"asked": len(its), "right": sum(one.status == 200 for one in its)}
            for page, its in sorted(by_page.items())
        },
    }


def _times(seen: list[Seen]) -> dict[str, float]:
    """Nearest-rank percentiles, in ms."""
    ordered = sorted(1000 * one.seconds for one in seen) or [math.nan]
    ranks = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
    found = {name: ordered[max(0, math.ceil(share * len(ordered)) - 1)] for name, share in ranks.items()}
    return {name: round(value, 1) for name, value in (found | {"worst": ordered[-1]}).items()}
