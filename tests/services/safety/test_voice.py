"""Voice between caller and desk: who may, in which order, what is kept, and that it ends with the alert."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import hmac
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from cityhall.kernel.deadlines.models import Deadline
from cityhall.kernel.errors import Conflict, Denied, Invalid, Missing
from cityhall.kernel.journal.models import Entry
from cityhall.kernel.people.actors import ANONYMOUS, Actor
from cityhall.services.safety import actions, handovers, voice
from cityhall.services.safety.models import Voice
from cityhall.services.safety.pressing import press
from tests.services.safety.conftest import at_desk, go_on, officer, only, put_up
from tests.services.safety.test_pages import JSON, signed_in

pytestmark = pytest.mark.usefixtures("city")
SDP = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
OTHER = SDP.replace("o=- 1", "o=- 7")


@pytest.fixture
def ana(city: Any) -> Actor:
    return at_desk("ana")


@pytest.fixture
def code(ana: Actor) -> str:
    made = press(ANONYMOUS, "v" * 32)
    actions.answer(ana, made.alert.pk)
    return made.code


def told() -> list[str]:
    return list(Entry.objects.filter(type__startswith="voice.").order_by("pk").values_list("type", flat=True))


def spoken(ana: Actor, code: str) -> Voice:
    """A voice that goes."""
    one = voice.offer(code, SDP, hears=True)
    voice.take(ana, only().pk, one.pk, OTHER)
    voice.connected(code, one.pk)
    one.refresh_from_db()
    return one


def test_asked_by_the_desk_offered_by_a_press_taken_spoken_and_over_by_the_doors(ana: Actor, code: str) -> None:
    caller, operator = Client(), signed_in(ana)
    page, alert = f"/safety/call/{code}/voice/", f"/safety/alerts/{only().pk}/"
    assert caller.get(page).json() == {"id": None, "ice": []}
    assert operator.post(f"{alert}voice-ask/", headers=JSON).status_code == 200
    assert 'data-state="asked"' in caller.get(f"/safety/call/{code}/?part=1").content.decode()
    number = caller.post(f"{page}offer/", {"sdp": SDP, "hears": ""}).json()["id"]
    assert number == Voice.objects.get().pk, "it is the one that was asked for"
    heard = operator.get(f"{alert}voice/").json()
    assert (heard["state"], heard["hears"], heard["sdp"]) == ("ringing", False, SDP)
    assert "lets you hear them" in operator.get(f"{alert}talk/").content.decode()
    assert operator.post(f"{alert}voice-take/", {"other": number, "sdp": OTHER}, headers=JSON).status_code == 200
    answered = caller.get(page).json()
    assert (answered["id"], answered["sdp"], answered["state"]) == (number, OTHER, "ringing")
    caller.post(f"{page}connected/", {"id": number})
    assert "speaking" in operator.get(f"{alert}talk/").content.decode()
    operator.post(f"{alert}voice-end/", {"other": number}, headers=JSON)
    one = Voice.objects.get()
    assert (one.state, one.offer, one.answer, one.operator_id) == ("ended", "", "", ana.person_id)
    assert one.began_at and one.ended_at and told() == ["voice.asked", "voice.offered", "voice.began", "voice.over"]
    assert only().lines.filter(what="voice").count() == 1
    assert not Deadline.objects.filter(kind=voice.KIND).exists()
    assert "127.0.0.1" not in "".join(str(entry.data) for entry in Entry.objects.all())


def test_only_who_has_the_alert_hears_and_only_who_has_the_code_is_heard(ana: Actor, code: str) -> None:
    rui = at_desk("rui")
    one = voice.offer(code, SDP, hears=True)
    for wrong in (
        lambda: voice.ask(rui, only().pk),
        lambda: voice.take(rui, only().pk, one.pk, OTHER),
        lambda: voice.end_by_desk(rui, only().pk, one.pk),
        lambda: voice.take(ana, only().pk, one.pk + 1, OTHER),
    ):
        with pytest.raises(Conflict):
            wrong()
    with pytest.raises(Denied):
        voice.take(officer("gil", "guard"), only().pk, one.pk, OTHER)
    with pytest.raises(Missing):
        voice.offer("a" * 20, SDP, hears=True)
    assert Client().get(f"/safety/alerts/{only().pk}/voice/").status_code in (302, 403)
    voice.take(ana, only().pk, one.pk, OTHER)
    with pytest.raises(Conflict):
        voice.take(ana, only().pk, one.pk, OTHER)


@pytest.mark.parametrize(
    "sdp", ["", "x", SDP.replace("audio", "video"), SDP + "m=video 9 RTP/SAVPF 96\r\n", SDP + "a=" + "x" * 20_000]
)
def test_what_is_no_offer_of_sound_is_refused(code: str, sdp: str) -> None:
    with pytest.raises(Invalid):
        voice.offer(code, sdp, hears=True)


def test_nobody_is_heard_before_an_operator_has_the_call_and_nobody_is_asked_who_has_no_page(ana: Actor) -> None:
    made = press(ANONYMOUS, "w" * 32)
    with pytest.raises(Conflict):
        voice.offer(made.code, SDP, hears=True)
    made.alert.code = None
    made.alert.save()
    actions.answer(ana, made.alert.pk)
    with pytest.raises(Conflict):
        voice.ask(ana, made.alert.pk)
    assert put_up().button.talk == ""


@pytest.mark.parametrize("step", ["close", "put_back", "take_over", "hand_over", "merge"])
def test_it_ends_where_the_alert_ends_or_another_has_it(ana: Actor, code: str, step: str) -> None:
    one, number = spoken(ana, code), only().pk
    if step == "close":
        actions.close(ana, number, "helped")
    elif step == "put_back":
        actions.put_back(ana, number)
    elif step == "take_over":
        actions.take_over(at_desk("rui", "supervisor"), number, reason="Ana goes home")
    elif step == "hand_over":
        handovers.hand_over(ana, at_desk("rui").person_id)
    else:
        actions.merge(ana, number, press(ANONYMOUS, "m" * 32).alert.pk)
    one.refresh_from_db()
    assert (one.state, one.offer, one.answer) == ("ended", "", "") and one.ended_at is not None


def test_who_loads_the_page_anew_begins_again_and_twice_connected_is_once(ana: Actor, code: str) -> None:
    first = spoken(ana, code)
    voice.connected(code, first.pk)
    second = voice.offer(code, SDP, hears=True)
    first.refresh_from_db()
    assert first.state == "ended" and second.pk != first.pk and told().count("voice.began") == 1
    voice.end_by_caller(code, first.pk)
    assert Voice.objects.get(pk=second.pk).ended_at is None, "a page that comes late ends nothing but its own"
    voice.end_by_caller(code, second.pk, failed=True)
    assert Voice.objects.get(pk=second.pk).state == "failed"


def test_what_nobody_takes_lapses_and_what_goes_on_is_not_heard_for_ever(ana: Actor, code: str) -> None:
    now = timezone.now()
    one = voice.ask(ana, only().pk, now=now)
    assert voice.ask(ana, only().pk, now=now) == one
    # Answered alerts have deadlines of their own.
    for after, state in ((-1, "asked"), (1, "failed")):
        go_on(now + voice.LAPSES + timedelta(seconds=after))
        one.refresh_from_db()
        assert one.state == state
    two = spoken(ana, code)
    go_on(timezone.now() + voice.LAPSES + timedelta(seconds=5))
    assert Voice.objects.get(pk=two.pk).state == "speaking"
    go_on(timezone.now() + voice.LONGEST + timedelta(seconds=5))
    assert Voice.objects.get(pk=two.pk).state == "ended"


def test_relays_are_the_citys_own_and_none_by_default(settings: Any, code: str) -> None:
    assert voice.ice_servers() == []
    given = [
        {"urls": "turn:turn.city.example:3478", "username": "u", "credential": "c"},
        {"urls": "turns:turn.city.example", "secret": "s"},
        {"urls": "http://elsewhere.example"},
        "nonsense",
    ]
    settings.CITY = dataclasses.replace(settings.CITY, options={"safety": {"ice_servers": given}})
    now = timezone.now()
    fixed, made = voice.ice_servers(now)
    assert fixed == given[0]
    assert made["username"] == str(int(now.timestamp()) + voice.TURN_S)
    expected = base64.b64encode(hmac.new(b"s", made["username"].encode(), hashlib.sha1).digest()).decode()
    assert made["credential"] == expected and "secret" not in made
    assert len(Client().get(f"/safety/call/{code}/voice/").json()["ice"]) == 2


def test_the_microphone_may_be_asked_for_on_two_pages_and_no_other(ana: Actor, code: str) -> None:
    operator = signed_in(ana)
    for client, path in ((Client(), f"/safety/call/{code}/"), (operator, "/safety/desk/")):
        assert "microphone=(self)" in client.get(path)["Permissions-Policy"]
    for path in ("/safety/", "/safety/follow/", f"/safety/alerts/{only().pk}/"):
        assert "microphone=()" in operator.get(path)["Permissions-Policy"]
