"""A press through any door is an alert, once, whatever is wrong with it."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from cityhall.kernel.deadlines.models import Deadline
from cityhall.kernel.devices import urgent
from cityhall.kernel.journal.models import Entry
from cityhall.kernel.people.actors import ANONYMOUS
from cityhall.services.safety import actions, stream
from cityhall.services.safety.models import Alert, Button
from cityhall.services.safety.pressing import press
from tests.services.safety.conftest import CENTER, Made, at_desk, only, put_up

pytestmark = pytest.mark.usefixtures("city")
PRESS: dict[str, Any] = {"kind": "press"}
KEY = "0123456789abcdef0123456789abcdef"


def send(made: Made, *messages: dict[str, Any], **given: Any) -> Any:
    body = made.signer.envelope(list(messages or [PRESS]), **given)
    return Client().post("/api/devices/urgent", body, content_type="application/json")


def test_a_button_is_pressed_and_its_receipt_names_the_alert() -> None:
    made = put_up()
    answer = send(made)
    (received,) = made.signer.receipt(answer.content) or []
    alert = only()
    assert received["subject"] == f"alert:{alert.pk}"
    assert (alert.place, alert.door, alert.kind, alert.point) == ("Pole 1", "pole", "panic", CENTER)
    assert Deadline.objects.get().subject == f"alert:{alert.pk}"
    assert Entry.objects.filter(type="alert.opened", subject=f"alert:{alert.pk}").count() == 1


def test_pressed_again_it_is_the_same_alert_with_a_growing_log() -> None:
    made = put_up()
    for _press in range(3):
        send(made)
    send(made, PRESS | {"id": "a"}, PRESS | {"id": "b"})
    assert only().presses == 5 and Entry.objects.filter(type="alert.opened").count() == 1
    actor = at_desk("ana")
    actions.answer(actor, only().pk)
    actions.close(actor, only().pk, "helped")
    send(made)
    assert Alert.objects.count() == 2, "what is closed stays closed: somebody calls anew"


def test_many_buttons_in_one_transaction_are_an_alert_each() -> None:
    made = [put_up(f"Pole {number}") for number in range(30)]
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    bodies = [one.signer.envelope([PRESS]) for one in made for _time in range(2)]
    outcomes = urgent.take(bodies)
    assert all(outcome.receipt for outcome in outcomes)
    assert Alert.objects.count() == 30 and set(Alert.objects.values_list("presses", flat=True)) == {2}
    assert stream.mark()[0] == 30


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ({"type": "harassment"}, "harassment"),
        ({"type": "medical"}, "medical"),
        ({"type": "0x7f"}, "unknown"),
        ({"type": 12}, "unknown"),
        ({"type": None}, "unknown"),
        ({"type": "unit"}, "unknown"),
    ],
)
def test_a_signal_that_nobody_knows_is_an_unknown_alert(message: dict[str, Any], kind: str) -> None:
    assert send(put_up(), PRESS | message).status_code == 200
    assert only().kind == kind


@pytest.mark.parametrize("lon", [None, "x", 999.0, float("1e308"), True, [1], {}])
def test_a_place_that_cannot_be_is_no_reason_to_lose_a_press(lon: Any) -> None:
    assert send(put_up(), PRESS | {"lon": lon, "lat": -30.0}).status_code == 200
    assert only().point == CENTER


def test_where_it_says_it_is_counts_before_the_register() -> None:
    send(put_up(), PRESS | {"lon": -51.21, "lat": -30.04})
    assert only().point == (-51.21, -30.04)


def test_a_device_that_stands_nowhere_in_the_register_calls_all_the_same() -> None:
    made = put_up("Left alone")
    Button.objects.all().delete()
    assert send(made).status_code == 200
    assert only().button is None and only().place == "Left alone"


def test_a_test_press_calls_nobody() -> None:
    made = put_up()
    (received,) = made.signer.receipt(send(made, PRESS | {"test": True}).content) or []
    made.button.refresh_from_db()
    assert received["subject"] == f"button:{made.button.pk}" and made.button.checked_at is not None
    assert not Alert.objects.exists()
    send(made, PRESS | {"test": "yes"})
    assert Alert.objects.count() == 1, "only a plain true is a test"


def test_a_wrong_clock_is_told() -> None:
    made = put_up()
    send(made, sent_at=int((timezone.now() - timedelta(days=1)).timestamp() * 1000))
    assert only().doubtful


def phone(**given: Any) -> Any:
    body = json.dumps({"key": KEY} | given)
    return Client().post("/api/safety/presses", body, content_type="application/json")


def test_a_telephone_needs_nothing_but_a_key() -> None:
    first, again = phone(), phone(lon=-51.2, lat=-30.03)
    assert (first.status_code, again.status_code) == (200, 200), first.content
    assert first.json()["code"] == again.json()["code"] and len(first.json()["code"]) == 20
    alert = only()
    assert alert.presses == 1 and alert.point == CENTER, "sent again, with its place: nobody pressed twice"
    assert phone(lon=-51.2, lat=-30.03).status_code == 200
    assert only().version == alert.version, "nothing is new of it"
    said = Client().get(f"/api/safety/calls/{first.json()['code']}").json()
    assert said["state"] == "waiting" and "answer in a moment" in said["stage"]
    assert Client().get("/api/safety/calls/aaaaaaaaaaaaaaaaaaaa").status_code == 404


def test_another_key_is_another_call_and_another_code() -> None:
    codes = {press(ANONYMOUS, f"{KEY}{number}").code for number in range(5)}
    assert len(codes) == 5 and Alert.objects.count() == 5


@pytest.mark.parametrize("given", [{"lon": 999, "lat": 1}, {"bus": "no such"}, {"kind": "\u0000"}, {"accuracy": -1}])
def test_what_else_is_wrong_with_it_loses_nothing(given: dict[str, Any]) -> None:
    assert phone(**given).status_code == 200
    assert Alert.objects.count() == 1


@pytest.mark.parametrize("key", ["", "short", "x" * 65, "ключ" * 5, "a" * 15 + "\n"])
def test_a_key_that_is_none(key: str) -> None:
    assert phone(key=key).status_code == 422 and not Alert.objects.exists()


def test_the_code_is_kept_as_a_hash_only(city: Path) -> None:
    code = phone().json()["code"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(a)::text FROM safety_alert a")
        assert code not in cursor.fetchone()[0]
        cursor.execute("SELECT count(*) FROM journal_entry WHERE data::text || subject LIKE %s", [f"%{code}%"])
        assert cursor.fetchone() == (0,)


def test_guesses_of_codes_are_soon_refused() -> None:
    statuses = [Client().get(f"/api/safety/calls/{number:020d}").status_code for number in range(40)]
    assert statuses[0] == 404 and statuses[-1] == 429


@pytest.mark.django_db(transaction=True)
def test_what_the_screens_are_told_of_a_new_alert_is_what_they_read_of_it(
    city: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told without being read: the two must not part."""
    told: list[Any] = []
    monkeypatch.setattr(stream, "publish_after", lambda topic, rows: told.extend(rows))
    for place in (CENTER, None):
        made = put_up()
        Button.objects.filter(pk=made.button.pk).update(point=place)
        urgent.take([made.signer.envelope([{"kind": "press", "type": "medical"}])])
    assert told == [stream.row(alert) for alert in Alert.objects.order_by("pk")] and len(told) == 2
