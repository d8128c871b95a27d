"""Two operators answer one alert at one moment, through the city's own HTTP door: one has it, the other is told who.

TWO_ANSWERS=1000 has it done so often and says how long the slower ones waited; the suite does it fifty times.
"""

from __future__ import annotations

import http.client
import json
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.test import Client

from cityhall.kernel.journal.models import Entry
from cityhall.kernel.people.actors import ANONYMOUS, Actor
from cityhall.kernel.people.models import Person
from cityhall.services.safety.pressing import press
from tests.services.safety.conftest import at_desk

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("city")]
TIMES = int(os.environ.get("TWO_ANSWERS", "50"))
APART_S = 0.05
TOKEN = "t" * 32


@dataclass(frozen=True)
class Answered:
    """What an operator's browser was told, and when it had asked and was told."""

    status: int
    told: dict[str, Any]
    asked: float
    took: float


class Browser:
    """An operator's browser: one connection that stays open, as theirs does."""

    def __init__(self, actor: Actor, address: str) -> None:
        client = Client()
        client.force_login(Person.objects.get(pk=actor.person_id or 0))
        session = client.cookies[settings.SESSION_COOKIE_NAME].value
        self.cookies = f"{settings.SESSION_COOKIE_NAME}={session}; {settings.CSRF_COOKIE_NAME}={TOKEN}"
        place = urlsplit(address)
        self.host = place.netloc
        self.way = http.client.HTTPConnection(place.hostname or "", place.port, timeout=30)

    def answer(self, number: int, start: threading.Barrier) -> Answered:
        headers = {"Cookie": self.cookies, "X-CSRFToken": TOKEN, "Accept": "application/json", "Content-Length": "0"}
        if self.way.sock is None:
            self.way.connect()
        start.wait()
        asked = time.monotonic()
        self.way.request("POST", f"/safety/alerts/{number}/answer/", headers=headers)
        came = self.way.getresponse()
        told = json.loads(came.read())
        return Answered(came.status, told, asked, time.monotonic() - asked)


def test_one_has_it_and_the_other_is_told_who(live_server: Any) -> None:
    operators = [at_desk("ana"), at_desk("ben")]
    names = {actor.person_id: str(Person.objects.get(pk=actor.person_id or 0)) for actor in operators}
    browsers = [Browser(actor, live_server.url) for actor in operators]
    waits: list[float] = []
    owners = set()
    with ThreadPoolExecutor(2) as pool:
        for number in range(3 * TIMES):
            alert = press(ANONYMOUS, f"{number:032x}").alert
            start = threading.Barrier(2)
            both = list(pool.map(lambda browser, pk=alert.pk, at=start: browser.answer(pk, at), browsers))
            won, lost = sorted(both, key=lambda one: one.status)
            assert (won.status, lost.status) == (200, 409), both
            alert.refresh_from_db()
            assert (won.told["owner"], alert.state) == (alert.owner_id, "answered")
            assert alert.owner_id == operators[both.index(won)].person_id
            assert names[alert.owner_id] in lost.told["message"] and lost.told["code"] == "taken"
            assert Entry.objects.filter(type="alert.answer", subject=f"alert:{alert.pk}").count() == 1
            owners.add(alert.owner_id)
            # On a machine that has much else to do one may wait before it asks: that is no race, and not counted.
            if abs(both[0].asked - both[1].asked) <= APART_S:
                waits.append(lost.took)
            if len(waits) == TIMES:
                break
    assert len(waits) == TIMES
    assert len(owners) == 2 or TIMES < 20, "each was the quicker one now and then"
    waits.sort()
    print(f"{TIMES} times; told in {waits[len(waits) // 2] * 1000:.0f} ms (median), {waits[-1] * 1000:.0f} ms at most")
