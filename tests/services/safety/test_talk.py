"""What caller and desk write to each other: once, in each one's own language, and said honestly who has read it."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from cityhall.kernel import translating
from cityhall.kernel.errors import Conflict, Invalid
from cityhall.kernel.journal.models import Entry
from cityhall.kernel.people.actors import ANONYMOUS, Actor
from cityhall.services.safety import actions, calling, dispatching, retention, stream, talking
from cityhall.services.safety.models import Alert, Line
from cityhall.services.safety.pressing import press
from tests.services.safety.conftest import NOON, at_desk, officer, only, patrol, put_up
from tests.services.safety.test_pages import signed_in

pytestmark = pytest.mark.usefixtures("city")
KEY = "0123456789abcdef"
CALLER = Actor("anonymous", language="es")


@pytest.fixture
def ana(city: Any) -> Actor:
    return at_desk("ana")


@pytest.fixture
def code(ana: Actor) -> str:
    """A call in Spanish that Ana has answered."""
    made = press(CALLER, KEY, at=NOON)
    actions.answer(ana, made.alert.pk)
    return made.code


def say(code: str, key: str = KEY, **given: str) -> Any:
    body = json.dumps({"key": key, **given})
    return Client().post(f"/api/safety/calls/{code}/lines", body, content_type="application/json")


def caller_sees(code: str, language: str = "en") -> str:
    answer = Client().get(f"/safety/call/{code}/?part=1", headers={"Accept-Language": language})
    return str(answer.content.decode())


def desk_sees(actor: Actor, query: str = "", language: str = "en") -> str:
    answer = signed_in(actor).get(f"/safety/alerts/{only().pk}/talk/{query}", headers={"Accept-Language": language})
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_a_message_that_is_sent_again_is_one_line(code: str) -> None:
    first, again = (say(code, text="Detrás del quiosco") for _time in range(2))
    assert first.status_code == again.status_code == 200 and first.json() == again.json()
    say(code, "fedcba9876543210", text="Detrás del quiosco")
    assert Line.objects.filter(what="said").count() == 2
    assert say("a" * 20, text="x").status_code == 404


def test_a_quick_reply_is_read_by_each_in_their_own_language(ana: Actor, code: str) -> None:
    say(code, phrase="hidden")
    assert "I am hidden" in desk_sees(ana) and "Estoy" not in desk_sees(ana)
    signed_in(ana).post(f"/safety/alerts/{only().pk}/reply/", {"phrase": "coming"})
    assert "Help is on its way." in caller_sees(code)
    assert "Help is on its way." not in caller_sees(code, "ko")
    assert Client().get(f"/api/safety/calls/{code}").json()["said"] == ["Help is on its way."]
    with pytest.raises(Invalid):
        calling.tell(code, "", phrase="coming")
    with pytest.raises(Invalid):
        calling.reply(ana, only().pk, "", phrase="hurt")


def test_it_is_read_only_once_the_other_side_had_it_before_them(ana: Actor, code: str) -> None:
    say(code, text="Aquí")
    assert "read by the desk" not in caller_sees(code) and "received" in caller_sees(code)
    desk_sees(at_desk("rui"))
    assert "read by the desk" not in caller_sees(code), "a colleague who looks on is not who has it"
    desk_sees(ana)
    assert "read by the desk" in caller_sees(code)
    calling.reply(ana, only().pk, "We come")
    assert "read by the caller" not in desk_sees(ana)
    caller_sees(code)
    assert "read by the caller" in desk_sees(ana)


def test_the_queue_shows_that_a_caller_writes_until_whoever_has_it_looks(ana: Actor, code: str) -> None:
    assert stream.row(only())["unread"] is None
    say(code, text="x")
    version = only().version
    assert stream.row(only())["unread"] is not None
    desk_sees(at_desk("rui"))
    assert stream.row(only())["unread"] is not None
    desk_sees(ana)
    assert stream.row(only())["unread"] is None and only().version > version, "the screens are told that it changed"


def test_the_callers_page_is_told_at_once_by_a_topic_that_only_the_code_opens(
    ana: Actor, code: str, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    told: list[str] = []
    monkeypatch.setattr(stream, "publish_after", lambda topic, payload: told.append(topic))
    calling.reply(ana, only().pk, "We come")
    topic = stream.topic_of(only())
    assert topic in told and f'data-live="{topic}"' in Client().get(f"/safety/call/{code}/").content.decode()
    assert stream.may_follow(ANONYMOUS, topic) and code not in topic
    for wrong in ("safety-call-", f"safety-call-{'0' * 64}", "safety-call-zz", f"{topic}00"):
        assert not stream.may_follow(ANONYMOUS, wrong), wrong
        assert Client().get(f"/live/{wrong}").status_code == 404, wrong


def test_a_callers_words_are_translated_beside_the_original(
    ana: Actor, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def draft(text: str, source: str, target: str) -> str:
        asked.append(f"{source}-{target} {text}")
        return "" if "xyz" in text else "He is behind the kiosk"

    monkeypatch.setattr(translating, "ways", lambda source, target: [f"{source}-{target}"])
    monkeypatch.setattr(translating, "draft", draft)
    say(code, text="Está detrás del quiosco")
    say(code, "fedcba9876543210", phrase="hurt")
    first = desk_sees(ana)
    assert "detrás" in first and "data-translate" in first and not asked, "the original is not kept waiting"
    both = desk_sees(ana, "?translate=1")
    assert "He is behind the kiosk" in both and "detrás" in both and 'lang="es"' in both
    assert "data-translate" not in both and asked == ["es-en Está detrás del quiosco"]
    assert "He is behind the kiosk" in desk_sees(ana) and len(asked) == 1, "what was translated is kept"
    say(code, "0000000000000000", text="xyz")
    assert "data-translate" not in desk_sees(ana, "?translate=1"), "what cannot be is not asked for for ever"


@pytest.mark.skipif(shutil.which("apertium") is None, reason="Apertium is not installed")
def test_the_machine_itself_translates(ana: Actor, code: str) -> None:
    translating.modes.cache_clear()
    say(code, text="Hay un bache muy grande en la calle")
    assert "pothole in the street" in desk_sees(ana, "?translate=1")


def test_without_a_way_nothing_is_offered(ana: Actor, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(translating, "ways", lambda source, target: [])
    say(code, text="Aquí")
    assert "data-translate" not in desk_sees(ana) and "Aquí" in desk_sees(ana)


def test_send_nobody_to_the_door_stands_above_all(ana: Actor, code: str) -> None:
    assert "send nobody to the door" not in desk_sees(ana)
    say(code, phrase="no_door")
    page = signed_in(ana).get(f"/safety/alerts/{only().pk}/").content.decode()
    assert page.index("send nobody to the door") < page.index("Log")
    guard = officer("gil", "guard")
    patrol("Patrol 1", person=guard)
    dispatching.offer(ana, only().pk)
    assert "send nobody to the door" in signed_in(guard).get("/safety/unit/?part=1").content.decode()


def test_what_is_closed_takes_no_message_and_says_what_to_do(ana: Actor, code: str) -> None:
    actions.close(ana, only().pk, "helped")
    answer = say(code, text="x")
    assert answer.status_code == 409 and "Call again" in answer.json()["mend"]
    with pytest.raises(Conflict):
        calling.tell(code, "x")
    assert "data-write" not in Client().get(f"/safety/call/{code}/").content.decode()


def test_a_caller_whose_alert_is_part_of_another_is_still_heard(ana: Actor, code: str) -> None:
    into = press(ANONYMOUS, f"{KEY}-2", at=NOON).alert
    actions.answer(ana, into.pk)
    part = Alert.objects.exclude(pk=into.pk).get()
    actions.merge(ana, part.pk, into.pk)
    before = Alert.objects.get(pk=into.pk).version
    say(code, text="Somos tres")
    page = signed_in(ana).get(f"/safety/alerts/{into.pk}/talk/").content.decode()
    assert "Somos tres" in page and f"/safety/alerts/{part.pk}/" in page
    assert Alert.objects.get(pk=into.pk).version > before
    assert "read by the desk" in caller_sees(code)


def test_without_a_script_it_is_a_form_and_each_look_of_the_desk_is_in_the_journal(ana: Actor, code: str) -> None:
    page = f"/safety/call/{code}/"
    Client().post(f"{page}text/", {"phrase": "mute", "text": "", "key": KEY})
    Client().post(f"{page}text/", {"phrase": "mute", "text": "", "key": KEY})
    assert Line.objects.filter(phrase="mute").count() == 1
    desk_sees(ana)
    assert Entry.objects.filter(type="alert.seen").count() == 1
    assert signed_in(ana).get("/safety/alerts/999999/talk/").status_code == 404
    assert Client().get(f"/safety/alerts/{only().pk}/talk/").status_code in (302, 403)


def test_the_journal_knows_no_words_and_the_clock_erases_the_conversation(
    ana: Actor, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(translating, "ways", lambda source, target: ["x"])
    monkeypatch.setattr(translating, "draft", lambda *given: "zqxtranslated")
    say(code, text="zqxsaid")
    say(code, "fedcba9876543210", phrase="hurt")
    desk_sees(ana, "?translate=1")
    calling.reply(ana, only().pk, "zqxreply")
    caller_sees(code)
    actions.close(ana, only().pk, "helped", now=NOON)
    told = "".join(f"{one.data}" for one in Entry.objects.all())
    assert "zqx" not in told and "hurt" not in told
    retention.erase(NOON + retention.KEEP + timedelta(seconds=1))
    for line in Line.objects.filter(what__in=talking.SPOKEN):
        assert (line.text, line.phrase, line.key, line.translations, line.seen_at) == ("", "", "", {}, None)


def test_an_intercom_is_one_link_and_only_sip_or_tel(ana: Actor) -> None:
    for wrong in ("javascript:alert(1)", "http://x", "tel:", "sip:a b", "x tel:123456", "sip:door@pbx?body=x"):
        with pytest.raises(Invalid):
            put_up("Pole", talk=wrong)
    made = put_up("Pole", talk="sip:pole-7@pbx.city.example")
    alert = Alert.objects.create(
        button=made.button, door="pole", place="x", received_at=NOON, pressed_at=NOON, waits_since=NOON
    )
    page = signed_in(ana).get(f"/safety/alerts/{alert.pk}/?part=1").content.decode()
    assert 'href="sip:pole-7@pbx.city.example"' in page
    boss = signed_in(at_desk("eva", "supervisor"))
    form = {"name": "Pole 9", "kind": "pole", "lon": "-51.2", "lat": "-30.0", "talk": "javascript:tel:123456"}
    assert "Write sip: or tel:" in boss.post("/safety/buttons/", form).content.decode()
    assert "Its key is shown" in boss.post("/safety/buttons/", form | {"talk": "tel:+55-51-3333-0000"}).content.decode()
