"""What a crew does without a network counts once, however often and however late its telephone sends it."""

from __future__ import annotations

import json
import struct
import zlib
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from cityhall.kernel.media.models import Media
from cityhall.kernel.notify.models import Notification
from cityhall.kernel.people.models import Person
from cityhall.kernel.people.privacy import erase
from cityhall.services.recycling import showing
from cityhall.services.recycling.models import CrewStep, Pickup, Weighing
from tests.services.recycling.conftest import asked, balance, crew, fresh, own_account, somebody
from tests.services.recycling.test_pages import browser

pytestmark = pytest.mark.usefixtures("recycling")


def told(pickup: Pickup, what: str, **more: Any) -> dict[str, Any]:
    return {"id": str(uuid4()), "pickup": pickup.pk, "what": what, "at": timezone.now().isoformat()} | more


def weight(pickup: Pickup, **more: Any) -> dict[str, Any]:
    lines = [{"material": "paper", "grams": 5000}]
    return {"id": str(uuid4()), "pickup": pickup.pk, "at": timezone.now().isoformat(), "lines": lines} | more


def send(truck: Client, door: str, *items: dict[str, Any]) -> list[dict[str, Any]]:
    answer = truck.post(f"/api/recycling/{door}", list(items), content_type="application/json")
    assert answer.status_code == 200, answer.content
    return list(answer.json())


def drawing(shade: int) -> bytes:
    """A PNG of one grey dot."""

    def part(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    dot = zlib.compress(bytes([0, shade]))
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", dot) + part(b"IEND", b"")


def pictured(truck: Client, said: dict[str, Any], shade: int = 1) -> dict[str, Any]:
    files = {name: SimpleUploadedFile(f"{name}.png", drawing(shade + at)) for at, name in enumerate(("photo", "drawn"))}
    answer = truck.post("/api/recycling/weighings/pictured", {"weighing_in": json.dumps(said)} | files)
    assert answer.status_code == 200, answer.content
    return dict(answer.json())


def test_a_day_without_a_network_is_sent_twice_and_counts_once() -> None:
    ana, truck = somebody(), browser(crew())
    pickup, other = asked(ana), asked(somebody("bea"))
    early = (timezone.now() - timedelta(hours=3)).isoformat()
    day = [
        told(pickup, "set_out", at=early),
        told(pickup, "arrive", at=early),
        told(other, "miss", why="nobody"),
        told(pickup, "miss", why="bored"),
    ]
    for _time in range(2):
        assert [one["taken"] for one in send(truck, "steps", *day)] == [True, True, True, False]
        assert pictured(truck, weighed := weight(pickup, id=day[0]["id"], seen="signed"))["taken"]
    assert send(truck, "weighings", weighed)[0]["problem"] == "key_used", "the same without its pictures is another one"
    assert (fresh(pickup).state, fresh(other).state) == ("weighed", "missed")
    assert CrewStep.objects.count() == 3 and balance(ana) == 120
    one = Weighing.objects.get()
    assert one.photo is not None and one.drawn is not None and not one.drawn.public and one.drawn.owner is None
    # What was told is kept as it was told; nobody is told hours later that a crew comes.
    assert CrewStep.objects.get(uid=day[0]["id"]).told_at.isoformat() == early
    assert not Notification.objects.filter(title__contains="on its way").exists()


def test_an_id_is_of_one_thing() -> None:
    truck = browser(crew())
    pickup, other = asked(somebody()), asked(somebody("bea"))
    step = told(pickup, "set_out")
    assert send(truck, "steps", step)[0]["taken"]
    assert send(truck, "steps", step | {"pickup": other.pk})[0]["problem"] == "key_used"
    assert send(truck, "steps", step | {"what": "arrive"})[0]["problem"] == "key_used"
    assert fresh(other).state == "promised"
    said = weight(pickup, seen="signed", signature="Ana", scale="A-1")
    assert send(truck, "weighings", said)[0]["taken"]
    for change in ({"signature": "Eve"}, {"seen": "nobody"}, {"scale": "B-2"}):
        assert send(truck, "weighings", said | change)[0]["problem"] == "key_used", change
    assert pictured(truck, said)["problem"] == "key_used"
    assert Weighing.objects.get().scale == "A-1"


@pytest.mark.parametrize("wrong", [timedelta(days=900), -timedelta(days=900)])
def test_a_wrong_clock_loses_nothing(wrong: timedelta) -> None:
    ana, truck = somebody(), browser(crew())
    pickup = asked(ana)
    at = timezone.now() + wrong
    assert send(truck, "steps", told(pickup, "arrive", at=at.isoformat()))[0]["taken"]
    assert send(truck, "weighings", weight(pickup, at=at.isoformat()))[0]["taken"]
    one = Weighing.objects.get()
    assert one.told_at == at and abs(one.at - timezone.now()) < timedelta(minutes=1)
    assert abs(fresh(pickup).came_at - timezone.now()) < timedelta(minutes=1)
    assert balance(ana) == 120, "by the tariff of today"


def test_what_one_of_a_crew_did_is_not_sent_as_anothers() -> None:
    pickup, carlos, dina = asked(somebody()), crew(), crew("dina")
    step = told(pickup, "set_out", by=carlos.person_id)
    assert send(browser(dina), "steps", step)[0]["problem"] == "other_person"
    assert send(browser(carlos), "steps", step)[0]["taken"]
    assert browser(somebody()).post("/api/recycling/steps", [step], content_type="application/json").status_code == 403
    assert Client().post("/api/recycling/steps", [step], content_type="application/json").status_code == 401


def test_the_code_that_a_resident_shows_proves_that_they_met_and_another_is_marked() -> None:
    ana, truck = somebody(), browser(crew())
    pickup, other = asked(ana), asked(somebody("bea"))
    code = showing.code_of(pickup)
    assert browser(ana).get("/api/recycling/pickups").json()[0]["code"] == code
    assert code.encode() in browser(ana).get(f"/recycling/pickups/{pickup.pk}/").content
    assert code.encode() not in truck.get(f"/recycling/round/{pickup.pk}/").content
    assert code not in truck.get("/api/recycling/round").content.decode()
    answer = send(truck, "weighings", weight(pickup, seen="code", code=f" {code[:3]}-{code[3:].lower()}"))[0]
    assert (answer["taken"], answer["seen"]) == (True, "code")
    answer = send(truck, "weighings", weight(other, seen="code", code=code))[0]
    assert (answer["taken"], answer["seen"], answer["points"]) == (True, "other", 120)
    assert "is not yours" in Notification.objects.get(person__email="bea@example.org", title__contains="weighed").body


def test_a_slip_in_a_code_is_seen_at_once() -> None:
    pickup = asked(somebody())
    code = showing.code_of(pickup)
    assert showing.may_be(code) and showing.may_be(own_account(somebody()).code)
    slips = [code[:at] + ("2" if code[at] != "2" else "3") + code[at + 1 :] for at in range(len(code))]
    assert not any(showing.may_be(one) for one in [*slips, "", "0", code + "A"])
    page = f"/recycling/round/{pickup.pk}/"
    form = {"key": str(uuid4()), "kg-paper": "5", "seen": "code", "code": slips[0]}
    truck = browser(crew())
    assert truck.post(page, form).status_code == 422 and not Weighing.objects.exists()
    assert truck.post(page, form | {"code": code}).status_code == 302
    assert Weighing.objects.get().seen == "code"


def test_what_was_drawn_and_photographed_goes_with_the_account() -> None:
    ana, truck = somebody(), browser(crew())
    pickup = asked(ana)
    assert pictured(truck, weight(pickup, seen="signed", signature="Ana"))["taken"]
    page = browser(ana).get(f"/recycling/pickups/{pickup.pk}/").content
    assert b"Signature" in page and b"Photo of the scale" in page
    assert Media.objects.count() == 2
    erase(ana, Person.objects.get(pk=ana.person_id or 0))
    assert not Media.objects.exists()
    one = Weighing.objects.get()
    assert (one.drawn, one.photo, one.signature) == (None, None, "")


def test_only_the_page_on_which_a_crew_weighs_may_ask_for_a_scale() -> None:
    truck, pickup = browser(crew()), asked(somebody())
    stop = truck.get(f"/recycling/round/{pickup.pk}/")
    assert "bluetooth=(self), serial=(self)" in stop["Permissions-Policy"] and "no-store" in stop["Cache-Control"]
    # A scale that is only simulated would weigh for points: a city that is no demo has none.
    assert b'data-connect="serial"' in stop.content and b"simulated" not in stop.content
    for page in ("/recycling/round/", "/recycling/"):
        assert "bluetooth=(), serial=()" in truck.get(page)["Permissions-Policy"]
