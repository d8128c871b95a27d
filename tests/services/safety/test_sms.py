"""Text messages: every one is a call for help, once; and the city answers by them."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson
import pytest
from django.db import close_old_connections, connection
from django.test import Client
from django.utils import timezone

from cityhall.kernel.devices import keys
from cityhall.kernel.devices.models import Device, UrgentMessage
from cityhall.kernel.errors import Conflict, Denied, Invalid, TooMany
from cityhall.kernel.journal.models import Entry
from cityhall.kernel.people.actors import ANONYMOUS, Actor, person_actor
from cityhall.kernel.people.models import Person
from cityhall.services.safety import actions, calling, retention, texting, texts
from cityhall.services.safety import warning as warnings
from cityhall.services.safety.codes import code_of
from cityhall.services.safety.models import Alert, TextMessage, WarningFollower
from cityhall.services.safety.pressing import press
from cityhall.simulator.signing import Signer
from tests.services.safety.conftest import SETTER_UP, at_desk, officer, put_up
from tests.services.safety.outside import Outside, outside
from tests.services.safety.test_warnings import given

pytestmark = pytest.mark.usefixtures("city")
DOOR = "/api/safety/sms"
PHONE = "+5551955501000"


@dataclass
class Brings:
    """A registered gateway, and what it brings with its id and key."""

    id: str
    key: str

    def headers(self) -> dict[str, str]:
        return {"authorization": "Basic " + base64.b64encode(f"{self.id}:{self.key}".encode()).decode()}

    def post(self, message: object, content_type: str = "application/json") -> Any:
        return Client().post(DOOR, message, content_type=content_type, headers=self.headers())

    def brings(self, text: str, phone: str = PHONE, **more: object) -> str:
        answer = self.post({"from": phone, "text": text, **more})
        assert answer.status_code == 200, answer.content
        return str(answer.json()["became"])


@pytest.fixture
def gateway(city: object) -> Brings:
    device, key = texts.register(SETTER_UP, "Gateway")
    return Brings(device.public_id, key)


@pytest.fixture
def sending(city: object, settings: Any) -> Iterator[Outside]:
    """The gateway that the city sends by."""
    with outside() as server:
        settings.SMS_URL = server.url.replace("http://", "http://city:se%40cret@")
        yield server


def browser(actor: Actor) -> Client:
    client = Client()
    client.force_login(Person.objects.get(pk=actor.person_id or 0))
    return client


def told(server: Outside) -> list[dict[str, str]]:
    return [json.loads(one.body) for one in server.sent]


def test_a_text_message_is_an_alert_that_the_desk_sees(gateway: Brings) -> None:
    became = gateway.brings("Socorro, ônibus T5", phone="+55 (51) 95550-1000", id="g-1")
    alert = Alert.objects.get()
    assert became == f"alert:{alert.pk}" and (alert.door, alert.kind, alert.phone) == ("sms", "panic", PHONE)
    assert alert.lines.get(what="said").text == "Socorro, ônibus T5"
    page = browser(at_desk("ana")).get(f"/safety/alerts/{alert.pk}/").content.decode()
    assert "text message" in page and f"tel:{PHONE}" in page and "Socorro" in page
    everything = str(list(Entry.objects.values_list("data", "subject", "actor")))
    assert PHONE not in everything and "Socorro" not in everything
    assert PHONE not in str(list(UrgentMessage.objects.values()))


def test_who_changes_the_doors_sees_what_was_sent_lately_and_how_that_went(gateway: Brings, sending: Outside) -> None:
    boss = browser(officer("sue", "supervisor"))
    assert "Lately sent" not in boss.get("/safety/doors/").content.decode()
    number = gateway.brings("help", id="g-1").removeprefix("alert:")
    page = boss.get("/safety/doors/").content.decode()
    assert "Lately sent" in page and "call received" in page and f'href="/safety/alerts/{number}/"' in page
    assert PHONE not in page
    sending.status = 400
    texting.send_waiting()
    assert "HTTP 400" in boss.get("/safety/doors/").content.decode()


def test_sent_234_times_it_is_one(gateway: Brings) -> None:
    made = {gateway.brings("help", id="g-1") for _turn in range(234)}
    assert len(made) == 1
    alert = Alert.objects.get()
    assert alert.presses == 1 and alert.lines.count() == 1
    assert UrgentMessage.objects.get().times == 234


def test_without_an_id_the_same_words_within_a_while_are_one(gateway: Brings, monkeypatch: pytest.MonkeyPatch) -> None:
    start = timezone.now()
    device = Device.objects.get(public_id=gateway.id)
    for minutes in (0, 3, 9):
        texts.take(device, {"from": PHONE, "text": "help"}, now=start + timedelta(minutes=minutes))
    assert Alert.objects.get().lines.count() == 1
    texts.take(device, {"from": PHONE, "text": "help me"}, now=start + timedelta(minutes=9))
    assert Alert.objects.get().lines.count() == 2
    actions.answer(ana := at_desk("ana"), Alert.objects.get().pk)
    actions.close(ana, Alert.objects.get().pk, "helped")
    texts.take(device, {"from": PHONE, "text": "help"}, now=start + timedelta(minutes=25))
    assert Alert.objects.count() == 2


def test_what_the_same_number_writes_while_it_is_open_is_a_message_of_its_caller(gateway: Brings) -> None:
    first = gateway.brings("help", id="1")
    assert gateway.brings("at the harbour", id="2") == first
    assert gateway.brings("me too", phone="+5551955502000", id="3") != first
    alert = Alert.objects.get(pk=int(first.removeprefix("alert:")))
    assert list(alert.lines.values_list("text", flat=True)) == ["help", "at the harbour"]
    assert all(line.by_caller for line in alert.lines.all())
    ana = at_desk("ana")
    actions.answer(ana, alert.pk)
    other = Alert.objects.exclude(pk=alert.pk).get()
    actions.merge(ana, alert.pk, other.pk)
    assert gateway.brings("still here", id="4") == first, "a part of another is still its call"
    actions.unmerge(ana, alert.pk)
    actions.answer(ana, alert.pk)
    actions.close(ana, alert.pk, "helped")
    assert gateway.brings("again", id="5") != first


def test_a_number_that_somebody_only_wrote_into_a_form_takes_nobodys_message(gateway: Brings) -> None:
    typed = press(ANONYMOUS, "0123456789abcdef", phone=PHONE).alert
    assert gateway.brings("help", id="1") != f"alert:{typed.pk}"
    assert Alert.objects.count() == 2


@pytest.mark.parametrize("message", [{}, {"from": None, "text": ["x"]}, {"from": "BANK", "text": "a\0b"}, {"id": 7}])
def test_nothing_that_a_gateway_brings_is_lost(gateway: Brings, message: dict[str, object]) -> None:
    assert gateway.post(message).status_code == 200
    assert Alert.objects.get().door == "sms"


def test_a_form_is_taken_too_and_what_is_neither_is_not(gateway: Brings) -> None:
    form = "id=7&from=%2B5551955501000&text=help+me"
    answer = gateway.post(form, "application/x-www-form-urlencoded")
    assert answer.status_code == 200 and Alert.objects.get().phone == PHONE
    assert gateway.post(b"help", "text/plain").status_code == 422
    assert gateway.post(b"[1]").status_code == 422
    assert gateway.post(b'{"text": "' + b"x" * 300_000 + b'"}').status_code == 413
    assert Alert.objects.count() == 1


def test_only_a_registered_gateway_brings_any(gateway: Brings) -> None:
    message = {"from": PHONE, "text": "help", "id": "1"}
    assert Client().post(DOOR, message, content_type="application/json").status_code == 401
    assert Brings(gateway.id, "A" * 43).post(message).status_code == 401
    made = put_up()
    key = Brings(made.button.device.public_id, keys.as_text(keys.unseal(bytes(made.button.device.key))))
    assert key.post(message).status_code == 401
    signed = made.signer.envelope([{"kind": "sms", "id": "1", "from": PHONE, "text": "help"}])
    assert Client().post("/api/devices/urgent", signed, content_type="application/json").status_code == 403
    assert not Alert.objects.exists()
    with pytest.raises(Denied):
        texts.register(officer("ana"), "X")


def test_a_gateway_that_can_sign_uses_the_lane_of_buttons(gateway: Brings) -> None:
    signer = Signer(gateway.id, gateway.key)
    for _again in range(2):
        body = signer.envelope([{"kind": "sms", "id": "1", "from": PHONE, "text": "help"}])
        answer = Client().post("/api/devices/urgent", body, content_type="application/json")
        assert answer.status_code == 200
        assert orjson.loads(answer.json()["payload"])[0]["subject"] == f"alert:{Alert.objects.get().pk}"
    assert Alert.objects.get().phone == PHONE


@pytest.mark.django_db(transaction=True)
def test_two_of_a_number_at_a_moment_are_one_alert() -> None:
    device, key = texts.register(SETTER_UP, "Gateway")
    gateway = Brings(device.public_id, key)
    for turn in range(5):
        start = threading.Barrier(2)

        def send(number: int, turn: int = turn, start: threading.Barrier = start) -> str:
            try:
                start.wait(5)
                return gateway.brings("help", phone=f"+555195550{turn}000", id=f"{turn}-{number}")
            finally:
                connection.close()
                close_old_connections()

        with ThreadPoolExecutor(2) as pool:
            assert len(set(pool.map(send, (1, 2)))) == 1
    assert Alert.objects.count() == 5


def test_whoever_called_is_told_once_where_to_follow(gateway: Brings, sending: Outside) -> None:
    for turn in range(3):
        gateway.brings("help", id=str(turn))
    assert sending.sent == [], "nothing goes out before the commit"
    texting.send_waiting()
    texting.send_waiting()
    (message,) = told(sending)
    alert = Alert.objects.get()
    assert alert.key is not None
    assert message["to"] == PHONE and f"/safety/call/{code_of(alert.key)}/" in message["text"]
    assert sending.sent[0].headers["Idempotency-Key"] == message["id"]
    assert sending.sent[0].headers["Authorization"] == "Basic " + base64.b64encode(b"city:se@cret").decode()
    assert Client().get(f"/safety/call/{code_of(alert.key)}/").status_code == 200
    page = browser(at_desk("ana")).get(f"/safety/alerts/{alert.pk}/").content.decode()
    assert "call received" in page and ">sent<" in page


def test_what_the_desk_writes_reaches_who_called_by_text_message(gateway: Brings, sending: Outside) -> None:
    gateway.brings("help", id="1")
    alert = Alert.objects.get()
    ana = at_desk("ana")
    calling.reply(ana, alert.pk, "Stay where you are.")
    actions.note(ana, alert.pk, "a note is nobody's business")
    texting.send_waiting()
    assert [one["text"] for one in told(sending)][1:] == ["Stay where you are."]
    gateway.brings("here too", phone="+5551955502000", id="2")
    other = Alert.objects.exclude(pk=alert.pk).get()
    actions.merge(ana, other.pk, alert.pk)
    calling.reply(ana, alert.pk, "A patrol comes.")
    texting.send_waiting()
    last = [(one["to"], one["text"]) for one in told(sending)][-2:]
    assert sorted(last) == [(PHONE, "A patrol comes."), ("+5551955502000", "A patrol comes.")]


def test_without_a_gateway_nothing_is_sent_and_nothing_waits(gateway: Brings) -> None:
    gateway.brings("help", id="1")
    texting.send_waiting()
    assert not TextMessage.objects.exists()


def test_while_the_gateway_is_away_it_is_tried_again(gateway: Brings, sending: Outside) -> None:
    sending.status = 500
    gateway.brings("help", id="1")
    gateway.brings("help", phone="+5551955502000", id="2")
    texting.send_waiting()
    assert len(sending.sent) == 2
    sending.status = 200
    texting.send_waiting()
    assert len(sending.sent) == 2, "its pause is not over"
    TextMessage.objects.update(try_at=timezone.now())
    texting.send_waiting()
    ids = [one["id"] for one in told(sending)]
    assert sorted(ids[:2]) == sorted(ids[2:]) and TextMessage.objects.filter(state="sent").count() == 2


def follower(name: str, phone: str = "") -> Actor:
    actor = person_actor(Person.objects.create_user(f"{name}@example.org", name=name, language="pt"))
    warnings.follow(actor, wanted=True)
    if phone:
        texting.give_number(actor, phone)
    return actor


def code_sent(server: Outside) -> str:
    texting.send_waiting()
    found = re.search(r"\b\d{6}\b", told(server)[-1]["text"])
    assert found
    return found[0]


def test_a_warning_goes_to_numbers_that_were_confirmed_and_to_no_other(sending: Outside) -> None:
    eva, ivo, uli = follower("eva", "+55 51 95550-1000"), follower("ivo", "+5551955502000"), follower("uli")
    texting.send_waiting()
    (code,) = re.findall(r"\b\d{6}\b", next(one["text"] for one in told(sending) if one["to"] == PHONE))
    texting.confirm(eva, code)
    ana, ben = officer("ana", "warnings"), officer("ben", "warnings")
    made = warnings.release(ben, warnings.draft(ana, given()).pk)
    before = len(sending.sent)
    texting.send_waiting()
    texting.send_waiting()
    (message,) = told(sending)[before:]
    assert message["to"] == PHONE and "Cheia do rio" in message["text"]
    assert message["text"].endswith(f"/safety/warnings/{made.pk}/") and made.told == 3
    warnings.follow(eva, wanted=False)
    warnings.release(ana, warnings.cancel(ben, made.pk).pk)
    texting.send_waiting()
    assert len(sending.sent) == before + 1
    assert ivo.person_id and uli.person_id


def test_a_number_that_was_taken_back_after_the_release_gets_nothing(sending: Outside) -> None:
    eva = follower("eva", PHONE)
    texting.confirm(eva, code_sent(sending))
    ana, ben = officer("ana", "warnings"), officer("ben", "warnings")
    warnings.release(ben, warnings.draft(ana, given()).pk)
    texting.give_number(eva, "")
    before = len(sending.sent)
    texting.send_waiting()
    assert len(sending.sent) == before and TextMessage.objects.filter(kind="warning").get().problem == "gone"


def test_a_wrong_or_an_old_code_confirms_nothing(sending: Outside) -> None:
    eva = follower("eva", PHONE)
    code = code_sent(sending)
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"
    with pytest.raises(Invalid):
        texting.confirm(eva, code, now=timezone.now() + timedelta(minutes=16))
    for _turn in range(texting.CODE_TRIES):
        with pytest.raises(Invalid):
            texting.confirm(eva, wrong)
    with pytest.raises(Invalid):
        texting.confirm(eva, code)
    assert WarningFollower.objects.get().confirmed_at is None
    texting.give_number(eva, PHONE)
    texting.confirm(eva, code_sent(sending))
    assert WarningFollower.objects.get().confirmed_at is not None


def test_nobodys_telephone_is_rung_by_many(sending: Outside) -> None:
    for number in range(texting.ASKED):
        follower(f"p{number}", PHONE)
    with pytest.raises(TooMany):
        follower("last", PHONE)
    with pytest.raises(Invalid):
        follower("odd", "call me")
    with pytest.raises(Conflict):
        texting.give_number(officer("ana"), PHONE)
    with pytest.raises(Denied):
        texting.give_number(ANONYMOUS, PHONE)


def test_the_page_of_warnings_asks_for_a_number_and_its_code(sending: Outside, settings: Any) -> None:
    eva = browser(follower("eva"))
    assert "warnings/number/" in eva.get("/safety/warnings/").content.decode()
    assert eva.post("/safety/warnings/number/", {"phone": PHONE}).status_code == 302
    assert PHONE in eva.get("/safety/warnings/").content.decode()
    assert eva.post("/safety/warnings/number/code/", {"code": code_sent(sending)}).status_code == 302
    assert WarningFollower.objects.get().confirmed_at is not None
    assert eva.post("/safety/warnings/number/", {"phone": ""}).status_code == 302
    assert WarningFollower.objects.get().phone == ""
    settings.SMS_URL = ""
    assert "warnings/number/" not in eva.get("/safety/warnings/").content.decode()
    assert Client().post("/safety/warnings/number/", {"phone": PHONE}).status_code == 302


def test_ninety_days_later_nothing_tells_who_called(gateway: Brings, sending: Outside) -> None:
    gateway.brings("help", id="1")
    texting.send_waiting()
    alert = Alert.objects.get()
    ana = at_desk("ana")
    actions.answer(ana, alert.pk)
    actions.close(ana, alert.pk, "helped")
    retention.erase(timezone.now() + timedelta(days=91))
    alert.refresh_from_db()
    assert alert.phone == "" and not alert.lines.exclude(text="").exists() and not TextMessage.objects.exists()
