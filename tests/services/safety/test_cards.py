"""Question cards: kept as lines, journalled by number, urgent where an answer says so, and never in the way."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import translation

from cityhall.kernel.errors import Conflict, Denied, Invalid
from cityhall.kernel.journal.models import Entry
from cityhall.kernel.people.actors import ANONYMOUS, Actor
from cityhall.kernel.people.models import Person
from cityhall.services.safety import actions, cards, dispatching, retention, stream
from cityhall.services.safety.models import Alert, Line
from cityhall.services.safety.pressing import press
from tests.services.safety.conftest import CENTER, NOON, at_desk, officer, patrol

pytestmark = pytest.mark.usefixtures("city")
KEY = "0123456789abcdef"


def call(name: str = "a", **given: Any) -> Alert:
    return press(ANONYMOUS, KEY + name, at=NOON, **given).alert


def browser(actor: Actor) -> Client:
    client = Client()
    client.force_login(Person.objects.get(pk=actor.person_id))
    return client


def answer(client: Client, alert: Alert, question: str, number: int | str) -> Any:
    return client.post(
        f"/safety/alerts/{alert.pk}/card/",
        {"question": question, "answer": str(number)},
        headers={"accept": "application/json"},
    )


def test_every_kind_of_alert_has_a_card_in_every_language() -> None:
    for kind in Alert.Kind.values:
        in_english = cards.written(cards.card(kind))
        assert cards.read(in_english), kind
        for language in ("es", "pt", "ko"):
            with translation.override(language):
                assert cards.written(cards.card(kind)) != in_english, (kind, language)


def test_not_breathing_goes_before_what_waited_longer_and_no_answer_puts_it_back() -> None:
    first, later = call("first"), call("later", kind="medical")
    client = browser(at_desk("ana"))
    assert [one.pk for one in stream.queue()] == [first.pk, later.pk]
    assert answer(client, later, "breathing", 1).json()["priority"] == 0
    assert [one.pk for one in stream.queue()] == [later.pk, first.pk]
    assert answer(client, later, "breathing", 0).json()["priority"] == 0
    assert answer(client, first, "hurt", 1).json()["priority"] == 1
    page = client.get(f"/safety/alerts/{later.pk}/").content.decode()
    assert "Is the person breathing? No" in page and "Is the person breathing? Yes" in page


def test_the_next_question_is_the_first_that_was_not_answered() -> None:
    alert, client = call(kind="medical"), browser(at_desk("ana"))

    def current() -> str:
        page = client.get(f"/safety/alerts/{alert.pk}/?part=1").content.decode()
        (found,) = re.findall(r'data-current>.*?name="question" value="([^"]+)"', page, re.DOTALL)
        return str(found)

    assert current() == "breathing"
    answer(client, alert, "awake", 0)
    assert current() == "breathing"
    answer(client, alert, "breathing", 0)
    assert current() == "bleeding"


def test_the_journal_has_numbers_only_and_after_ninety_days_the_log_has_no_answer() -> None:
    ana, alert = at_desk("ana"), call(kind="medical")
    answer(browser(ana), alert, "breathing", 1)
    line = Line.objects.get(what="card")
    entry = Entry.objects.get(type="alert.asked")
    assert entry.data == {"line": line.pk, "priority": 0} and line.who_id == ana.person_id
    actions.answer(ana, alert.pk)
    actions.close(ana, alert.pk, "helped", now=NOON)
    retention.erase(NOON + timedelta(days=91))
    line.refresh_from_db()
    assert (line.text, line.data) == ("", {})


def test_a_card_holds_up_no_unit_and_ends_with_the_alert() -> None:
    ana, alert = at_desk("ana"), call(kind="medical", point=CENTER)
    patrol("P1")
    actions.answer(ana, alert.pk)
    assert dispatching.offer(ana, alert.pk).state == "offered"
    actions.close(ana, alert.pk, "helped")
    with pytest.raises(Conflict):
        cards.answer(ana, alert.pk, "breathing", 0)
    assert "disabled" in browser(ana).get(f"/safety/alerts/{alert.pk}/").content.decode()


@pytest.mark.parametrize(("question", "number"), [("breathing", 9), ("breathing", "x"), ("gone", 0), ("", "")])
def test_an_answer_that_the_card_has_not_is_refused(question: str, number: int | str) -> None:
    alert, client = call(kind="medical"), browser(at_desk("ana"))
    assert answer(client, alert, question, number).status_code in (400, 422)
    assert not Line.objects.filter(what="card").exists()


def test_a_supervisor_writes_a_card_and_takes_ours_again() -> None:
    alert, client = call(kind="fire"), browser(at_desk("eva", "supervisor"))
    page = client.post("/safety/cards/fire/", {"text": "Which floor? | 1 | 2 | Higher !"})
    assert page.status_code == 302
    (own,) = cards.card("fire")
    assert [str(one.text) for one in own.answers] == ["1", "2", "Higher"] and own.answers[2].urgent
    assert "Which floor?" in client.get(f"/safety/alerts/{alert.pk}/").content.decode()
    assert "Which floor?" in client.get("/safety/cards/").content.decode()
    assert answer(client, alert, own.key, 2).json()["priority"] == 0
    # Its words changed, it is another question: what was answered before is no answer to it.
    client.post("/safety/cards/fire/", {"text": "Which floor? | Cellar | 2 | Higher !"})
    assert answer(client, alert, own.key, 2).status_code in (400, 422)
    client.post("/safety/cards/fire/", {"text": ""})
    assert cards.card("fire") == cards.DEFAULTS["fire"]


@pytest.mark.parametrize(
    "text", ["Only a question", "One? | answer", "| Yes | No", "Q? | Yes | ", "Q? | Yes | No\nQ? | Yes | No", "Q" * 121]
)
def test_what_is_no_card_is_told_by_its_line(text: str) -> None:
    client = browser(at_desk("eva", "supervisor"))
    page = client.post("/safety/cards/fire/", {"text": text})
    assert page.status_code == 200 and 'class="error"' in page.content.decode()
    assert cards.card("fire") == cards.DEFAULTS["fire"]


def test_operators_write_no_cards_and_strangers_answer_none() -> None:
    assert browser(at_desk("ana")).get("/safety/cards/").status_code == 403
    with pytest.raises(Denied):
        cards.write(at_desk("ben"), "fire", "Q? | Yes | No")
    with pytest.raises(Denied):
        cards.answer(officer("gil", "guard"), call().pk, "hurt", 0)
    with pytest.raises(Invalid):
        cards.write(at_desk("eva", "supervisor"), "dance", "Q? | Yes | No")
