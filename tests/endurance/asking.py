"""Hostile peers at the pages and the API: floods of what is refused, guesses, and what is dear to answer."""

from __future__ import annotations

import base64
import io
import secrets
import struct
import zlib
from functools import cache
from typing import Any, ClassVar

import httpx
from PIL import Image

from tests.endurance.hostile import Hostile

REFUSED = frozenset({"400", "401", "403", "404", "413", "422", "429"})
MEGAPIXELS = 7000
"""Pixels a side: 49 million, which a picture may have."""


class Asking(Hostile):
    """Asks over HTTP, each time from another of its addresses."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.http = httpx.Client(base_url=self.city.address, timeout=60, verify=False)

    def ask(self, method: str, path: str, **rest: Any) -> httpx.Response:
        """Asks, and counts what was answered."""
        headers = {"X-Forwarded-For": self.source()} | rest.pop("headers", {})
        answer = self.http.request(method, path, headers=headers, **rest)
        self.count(answer.status_code, f"{method} {path} {rest}", answer.text[:300])
        return answer

    def fill_in(self, path: str, values: dict[str, str]) -> httpx.Response:
        """Fills in a page's form, as a new browser that takes the page's token."""
        self.http.cookies.clear()
        page = self.http.get(path, headers={"X-Forwarded-For": self.source()})
        page.raise_for_status() if page.status_code >= 500 else None
        token = self.http.cookies.get("csrftoken") or ""
        return self.ask("POST", path, data=values, headers={"X-CSRFToken": token, "Referer": self.city.address})

    def end(self) -> None:
        self.http.close()


@cache
def large_picture() -> bytes:
    """A picture of 49 megapixels in few bytes, whole."""
    file = io.BytesIO()
    Image.new("RGB", (MEGAPIXELS, MEGAPIXELS)).save(file, "PNG", compress_level=9)
    return file.getvalue()


def told_picture(side: int, rows: int) -> bytes:
    """A PNG that says to have `side` px a side, and holds `rows` rows of it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", side, side, 8, 6, 0, 0, 0)
    body = zlib.compress(bytes((side * 4 + 1) * rows), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body)


class FilingFlood(Asking):
    """Reports that cannot be right: elsewhere, of nothing, without words, with too many."""

    every = 0.1
    expected = REFUSED
    REPORTS: ClassVar = (
        {"category": "pothole", "text": "A hole", "lon": 2.35, "lat": 48.85},
        {"category": "nothing", "text": "A hole", "lon": -29.4, "lat": 36.35},
        {"text": "A hole", "lon": -29.4, "lat": 36.35},
        {"category": "pothole", "text": "", "lon": -29.4, "lat": 36.35},
        {"category": "pothole", "text": "x" * 100_000, "lon": -29.4, "lat": 36.35},
        {"category": "pothole", "text": "A hole", "lon": "nan", "lat": "inf"},
        {"category": "pothole", "text": "A hole"},
        {"category": "\0", "text": "\0\0", "lon": 1e308, "lat": -1e308},
        {"category": "pothole", "text": "A hole", "lon": -29.4, "lat": 36.35, "key": "guessed"},
    )

    def step(self) -> None:
        self.ask("POST", "/api/reports/", data=self.rng.choice(self.REPORTS))


class FalseCalls(Asking):
    """Calls for help that are none, one after the other: each is taken, until one connection has had its share."""

    every = 0.4
    expected = REFUSED | {"200"}
    CALLS: ClassVar = (
        {"kind": "panic"},
        {"kind": "\0", "text": "\0\0", "lon": 1e308, "lat": -1e308},
        {"kind": "harassment", "bus": "x" * 100, "text": "x" * 2000},
        {"key": "short"},
        {"key": "\u0130" * 20, "phone": "+" * 30},
        {"text": "x" * 100_000},
        {"lon": "nan", "lat": "inf", "accuracy": -1},
    )

    def step(self) -> None:
        self.ask("POST", "/api/safety/presses", json={"key": secrets.token_hex(16)} | self.rng.choice(self.CALLS))


class HugePictures(Asking):
    """Pictures that take memory and time before they are refused."""

    every = 0.7
    expected = REFUSED

    def step(self) -> None:
        broken = b"\x89PNG\r\n\x1a\n" + bytes(500_000)
        picture = self.rng.choice([told_picture(MEGAPIXELS, 6000)[:-9], told_picture(30_000, 10), broken])
        place = {"category": "pothole", "text": "A hole", "lon": "-29.4", "lat": "36.35"}
        photos = [("photos", ("a.png", picture, "image/png"))] * self.rng.choice([1, 4, 5])
        self.ask("POST", "/api/reports/", data=place, files=photos)


class PicturesAskedAbout(Asking):
    """Pictures as large as they may be, of which nothing is kept: what do they show?"""

    every = 1.0
    expected = REFUSED

    def step(self) -> None:
        self.ask("POST", "/api/reports/suggest", files={"photo": ("a.png", large_picture(), "image/png")})


class WrongPasswords(Asking):
    """Guesses, at accounts that are there and at some that are not."""

    every = 0.25
    expected = REFUSED | {"200"}

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        known = self.city.accounts()
        self._logins = [known["administrator"], *known["residents"], *(one["email"] for one in known["officers"])]

    def step(self) -> None:
        nobody = f"{secrets.token_hex(4)}@nobody.example"
        login = self.rng.choice([self.rng.choice(self._logins), nobody, "\0", "x" * 5000])
        self.fill_in("/accounts/login/", {"login": login, "password": secrets.token_hex(6)})


class SignUps(Asking):
    """Accounts of mailboxes that never answer, and of some that have an account."""

    every = 1.0
    expected = REFUSED | {"200", "302"}

    def step(self) -> None:
        email = self.rng.choice([f"{secrets.token_hex(6)}@nobody.example", self.city.accounts()["residents"][0], "@"])
        self.fill_in("/accounts/signup/", {"email": email, "password1": secrets.token_hex(8)})


class MailsToOthers(Asking):
    """Codes and links that others are mailed."""

    every = 1.0
    expected = REFUSED | {"200", "302"}

    def step(self) -> None:
        known = self.city.accounts()
        email = self.rng.choice([known["administrator"], *known["residents"], f"{secrets.token_hex(6)}@nobody.example"])
        path, name = self.rng.choice([("/accounts/password/reset/", "email"), ("/accounts/login/code/", "email")])
        self.fill_in(path, {name: email})


class Guesses(Asking):
    """What has a secret in its address, and what is for officers."""

    every = 0.2
    expected = REFUSED | {"302", "405"}

    def step(self) -> None:
        secret, code = secrets.token_urlsafe(32), base64.b32encode(secrets.token_bytes(13)).decode()[:20].lower()
        path = self.rng.choice(
            [
                *(f"/reports/follow/{secret}/", f"/transit/trips/{secret}/", f"/api/transit/trips/{secret}"),
                *(f"/transit/school/invitations/{secret}/", f"/accounts/household/accept/{secret}/"),
                *(f"/safety/call/{code}/", f"/api/safety/calls/{code}", f"/safety/escort/watch/{code}/"),
                *(f"/safety/escort/way/{code}/", "/safety/desk/queue/", "/safety/statements/1/", "/api/safety/alerts"),
                *("/safety/alerts/1/", "/evidence/1/", "/evidence/1/original/", "/safety/warnings/desk/"),
                *("/admin/", "/reports/desk/", "/reports/desk/1/", "/accounts/officers/", "/work/"),
                *("/api/devices/", "/api/people/me/export", "/api/vehicles/receivers", "/vehicles/receivers/"),
                *("/media/../secrets.json", "/static/../secrets.json", "/static/..%2f..%2fsecrets.json", "/.env"),
            ]
        )
        method = self.rng.choice(["GET", "GET", "POST"])
        self.ask(method, path, headers={"Cookie": f"sessionid={secret[:32].lower()}"})


class DearQuestions(Asking):
    """Tiles, searches, journeys, downloads and charts, each another one, so that no memory helps."""

    every = 0.08
    expected = REFUSED | {"200", "204", "304", "302"}

    def step(self) -> None:
        ask = self.rng.choice([self._tile, self._tile, self._search, self._journey, self._layer, self._dear])
        self.ask("GET", ask())

    def _place(self) -> tuple[float, float]:
        return round(self.rng.uniform(-29.45, -29.35), 5), round(self.rng.uniform(36.318, 36.391), 5)

    def _tile(self) -> str:
        z = self.rng.choice([0, 5, 10, 12, 14, 16, 22, 30])
        x, y = self.rng.choice([(self.rng.randrange(2**z), self.rng.randrange(2**z)), (2**70, 1)])
        layer = self.rng.choice(["transit/stops", "transit/vehicles", "reports/open", "transit/lines"])
        return f"/map/tiles/{layer}/{z}/{x}/{y}.mvt"

    def _search(self) -> str:
        long = ("st " * 60, "\u0130\u0307" * 50, "x" * 3000)
        words = self.rng.choice(["port", "a", "%25", secrets.token_hex(4), "'", *long])
        return str(httpx.URL("/api/places/search", params={"q": words, "limit": self.rng.choice([5, 50, 10**9])}))

    def _journey(self) -> str:
        (a, b), (c, d) = self._place(), self._place()
        if self.rng.random() < 0.5:
            return f"/api/transit/journeys?from={a},{b}&to={c},{d}&time={self.rng.randrange(24):02}:00"
        return f"/transit/?from=A&from_lon={a}&from_lat={b}&to=B&to_lon={c}&to_lat={d}"

    def _layer(self) -> str:
        a, b = self._place()
        return f"/map/layers/transit/stops.geojson?bbox={a - 1},{b - 1},{a + 1},{b + 1}"

    def _dear(self) -> str:
        day = f"2027-06-{self.rng.randrange(1, 17):02}"
        return self.rng.choice(
            [
                *("/map/data/transit/stops.parquet", "/map/data/reports/open.csv", "/transit/gtfs.zip"),
                *(f"/map/replay/transit/vehicles/?start={day}T00:00&end={day}T23:59", "/api/openapi.json"),
                *("/map/timeline/reports/open/", "/map/heat/reports/open/", "/map/table/reports/open/"),
                *("/map/ogc/collections/transit-stops/items?limit=10000", "/transit/gtfs-rt/trip-updates.json"),
                *(f"/transit/history/calls-{day}.parquet", "/reports/agencies/", f"/api/transit/quality/{day}"),
            ]
        )
