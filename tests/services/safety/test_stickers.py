"""Stickers for vehicles: a rider's camera reads the code, and the button knows the vehicle."""

from __future__ import annotations

import re

import cv2
import numpy as np
import pytest
from django.conf import settings
from django.test import Client
from django.utils import translation

from cityhall.kernel.people.models import Person
from cityhall.kernel.vehicles import register
from tests.services.safety.conftest import SETTER_UP, officer, only

pytestmark = pytest.mark.usefixtures("city")
PATH = "/safety/stickers/"


def signed_in(role: str) -> Client:
    client = Client()
    actor = officer("rui", role)
    client.force_login(Person.objects.get(pk=actor.person_id or 0), settings.AUTHENTICATION_BACKENDS[0])
    return client


def read(page: str) -> list[str]:
    """What a camera reads of the codes that the page draws."""
    found = []
    for side, path in re.findall(r'class="card sticker"><svg.*?viewBox="0 0 (\d+) \1".*?<path d="([^"]+)"', page, re.S):
        modules = np.full((int(side), int(side)), 255, np.uint8)
        for x, y in re.findall(r"M(\d+) (\d+)h1v1h-1z", path):
            modules[int(y), int(x)] = 0
        text, _points, _straight = cv2.QRCodeDetector().detectAndDecode(np.kron(modules, np.ones((6, 6), np.uint8)))
        found.append(text)
    return found


def test_a_code_leads_to_the_button_which_knows_the_vehicle() -> None:
    register.enter(SETTER_UP, "T2-14", kind="bus", label="T2-14")
    register.enter(SETTER_UP, "P1", kind="patrol")
    page = signed_in("supervisor").get(PATH).content.decode()
    (address,) = read(page)
    assert address == f"{settings.PUBLIC_URL}/safety/?bus=T2-14", "and none of a vehicle that riders must not see"
    with translation.override("es"):
        assert str(translation.gettext("In danger, or harassed? Scan this.")) in page
    rider = Client()
    answer = rider.get(address.removeprefix(settings.PUBLIC_URL))
    key = re.findall(r'name="key" value="([0-9a-f]{32})"', answer.content.decode())[0]
    rider.post("/safety/send/", {"key": key, "bus": "T2-14", "kind": "harassment"})
    vehicle = only().vehicle
    assert vehicle is not None and vehicle.public_id == "T2-14" and only().kind == "harassment"


def test_they_are_searched_and_come_a_page_at_a_time() -> None:
    for number in range(30):
        register.enter(SETTER_UP, f"T1-{number:02}", kind="bus")
    client = signed_in("supervisor")
    first = client.get(PATH).content.decode()
    assert first.count('class="card sticker"') == 24 and "after=T1-23" in first
    rest = client.get(PATH, {"after": "T1-23"}).content.decode()
    assert rest.count('class="card sticker"') == 6 and "The next ones" not in rest
    assert client.get(PATH, {"q": "1-07"}).content.decode().count('class="card sticker"') == 1
    assert "No vehicle has this number." in client.get(PATH, {"q": "\0none"}).content.decode()


def test_they_are_for_who_looks_after_the_buttons_alone() -> None:
    assert signed_in("operator").get(PATH).status_code == 403
