"""A way that trusted people follow: who sees what, for how long, and what happens when nobody arrives."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from threading import Thread
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from cityhall.kernel.discreet import discreet
from cityhall.kernel.errors import Conflict, Invalid
from cityhall.kernel.journal.models import Entry
from cityhall.kernel.notify.models import Notification
from cityhall.kernel.people.actors import ANONYMOUS, person_actor
from cityhall.kernel.people.models import Person
from cityhall.kernel.people.privacy import erase as erase_account
from cityhall.kernel.places.point import Point
from cityhall.kernel.skills.doing import do, skill_of
from cityhall.services.safety import escorts
from cityhall.services.safety.codes import spelt
from cityhall.services.safety.models import Alert, Escort, EscortFollower
from tests.services.safety.conftest import CENTER, SETTER_UP, go_on, only

pytestmark = pytest.mark.usefixtures("city")
MINUTE = timedelta(minutes=1)


def watched(code: str) -> Any:
    return Client().get(f"/safety/escort/watch/{code}/")


@pytest.fixture
def bea(db: None) -> Person:
    return Person.objects.create_user("bea@example.org", name="Bea")


def test_without_an_account_from_the_first_press_to_the_arrival() -> None:
    browser = Client()
    assert browser.get("/safety/escort/").status_code == 200
    began = browser.post("/safety/escort/begin/", {"minutes": "30", "name": "Bea"})
    assert began.status_code == 302
    own = began["Location"].rstrip("/").rpartition("/")[2]
    page = browser.get(began["Location"])
    watch = escorts.watch_code(own)
    assert f"/safety/escort/watch/{watch}/" in page.content.decode() and page["Referrer-Policy"] == "same-origin"
    assert len(own) == len(watch) == 20 and own != watch
    told = browser.post(f"{began['Location']}here/", {"lon": "-51.21765", "lat": "-30.03457", "accuracy": "12"})
    assert told.json() == {"on": True}
    follower = watched(watch)
    assert "-30.03457" in follower.content.decode() and "Bea" in follower.content.decode()
    assert own not in follower.content.decode(), "who follows cannot end it"
    assert Client().get(f"/safety/escort/way/{watch}/").status_code == 404
    assert browser.post(f"{began['Location']}arrived/").status_code == 302
    one = Escort.objects.get()
    assert (one.state, one.point, one.point_at, one.accuracy_m) == ("arrived", None, None, None)
    page = watched(watch).content.decode()
    assert "has arrived" in page and "-30.03457" not in page
    late = browser.post(f"{began['Location']}here/", {"lon": "-51.2", "lat": "-30.0"})
    assert late.json() == {"on": False} and Escort.objects.get().point is None
    assert go_on(timezone.now() + timedelta(hours=1)) == 0, "nobody is told that somebody who has arrived has not"


def test_sent_twice_it_is_one_way_and_begun_again_another(bea: Person) -> None:
    browser = Client()
    browser.force_login(bea)
    key = browser.get("/safety/escort/").content.decode().partition('name="key" value="')[2].partition('"')[0]
    given = {"minutes": "30", "key": key, "tell": "cleo@example.org"}
    first, again = (browser.post("/safety/escort/begin/", given)["Location"] for _time in range(2))
    assert first == again and Escort.objects.count() == 1
    assert Entry.objects.filter(type="escort.began").count() == 1
    assert EscortFollower.objects.count() == 1, "who is to be told is told once"
    browser.post(f"{first}arrived/")
    another = browser.post("/safety/escort/begin/", given)["Location"]
    assert another != first and Escort.objects.count() == 2
    assert browser.post("/safety/escort/begin/", given | {"key": "short"}).status_code == 422


@pytest.mark.django_db(transaction=True)
def test_sent_twice_at_one_moment_it_is_one_way() -> None:
    begun = []

    def begin() -> None:
        try:
            begun.append(escorts.begin(ANONYMOUS, 30, key="a page's own key of a way").own)
        finally:
            connection.close()

    both = [Thread(target=begin) for _one in range(4)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert len(begun) == 4 and len(set(begun)) == 1 and Escort.objects.count() == 1
    Escort.objects.all().delete()


@pytest.mark.parametrize("minutes", [14, 181, 0])
def test_a_time_that_cannot_be_chosen(minutes: int) -> None:
    with pytest.raises(Invalid):
        escorts.begin(ANONYMOUS, minutes)


def test_whoever_goes_is_asked_first_then_those_who_follow_see_it(bea: Person) -> None:
    now = timezone.now()
    made = escorts.begin(person_actor(bea), 30, name="Bea", now=now)
    escorts.here(made.own, CENTER, now=now)
    assert go_on(now + 24 * MINUTE) == 0
    assert go_on(now + 25 * MINUTE) == 1
    asked = Notification.objects.get()
    assert asked.person == bea and asked.url == "/safety/escort/"
    assert "on the way" in watched(made.watch).content.decode()
    assert go_on(now + 30 * MINUTE) == 1
    page = watched(made.watch).content.decode()
    assert "has not arrived" in page and "-30.03000" in page, "their last place is what helps now"
    assert not Alert.objects.exists(), "nobody asked for the desk"
    browser = Client()
    browser.force_login(bea)
    assert "has not arrived" in browser.get("/safety/escort/").content.decode()
    browser.post(f"/safety/escort/end/{made.escort.pk}/", {"arrived": "1"})
    assert "has arrived" in watched(made.watch).content.decode() and Escort.objects.get().point is None


def test_the_desk_is_called_where_that_was_wished(bea: Person) -> None:
    now = timezone.now()
    made = escorts.begin(person_actor(bea), 15, calls=True, now=now)
    escorts.here(made.own, Point(-51.21, -30.04), 9.0, now=now)
    go_on(now + 15 * MINUTE)
    alert = only()
    assert (alert.kind, alert.point, alert.person_id) == ("panic", (-51.21, -30.04), bea.pk)
    assert "Bea" in alert.lines.get().text
    assert "was called" in watched(made.watch).content.decode()
    page = Client().get(f"/safety/escort/way/{made.own}/").content.decode()
    code = escorts.call_code(Escort.objects.get())
    assert f"/safety/call/{code}/" in page and Client().get(f"/safety/call/{code}/").status_code == 200
    assert go_on(now + 60 * MINUTE) >= 0 and Alert.objects.count() == 1
    escorts.end(made.own, arrived=True)
    assert only().is_open, "the desk asks, before it is closed"
    assert go_on(now + 61 * MINUTE) >= 0 and Alert.objects.count() == 1


def test_more_time_moves_both_moments(bea: Person) -> None:
    now = timezone.now()
    made = escorts.begin(person_actor(bea), 30, now=now)
    escorts.longer(made.own, now=now + 20 * MINUTE)
    assert go_on(now + 39 * MINUTE) == 0
    assert go_on(now + 40 * MINUTE) == 1 and Notification.objects.count() == 1
    for _press in range(30):
        one = escorts.longer(made.own, now=now + 41 * MINUTE)
    assert one.until <= now + 41 * MINUTE + 180 * MINUTE
    go_on(one.until)
    with pytest.raises(Conflict):
        escorts.longer(made.own, now=one.until)


def test_only_whose_it_is_ends_it(bea: Person) -> None:
    made = escorts.begin(person_actor(bea), 30)
    other = Client()
    other.force_login(Person.objects.create_user("eva@example.org", name="Eva"))
    assert other.post(f"/safety/escort/end/{made.escort.pk}/", {"arrived": "1"}).status_code == 404
    assert "/safety/escort/end/" not in other.get("/safety/escort/").content.decode()
    assert Escort.objects.get().state == "going"


def test_codes_are_not_guessed_and_no_place_that_is_none_is_kept() -> None:
    made = escorts.begin(ANONYMOUS, 30)
    here = f"/safety/escort/way/{made.own}/here/"
    for lon in ("", "x", "999", "nan"):
        assert Client().post(here, {"lon": lon, "lat": "1"}).status_code == 422
    assert Escort.objects.get().point is None
    tries = [watched("aaaaaaaaaaaaaaaaaaaa").status_code for _try in range(40)]
    assert tries[0] == 404 and tries[-1] == 429


def test_it_is_erased_and_the_journal_never_knew_where(bea: Person) -> None:
    now = timezone.now()
    made = escorts.begin(person_actor(bea), 30, name="zqxname", now=now)
    escorts.here(made.own, Point(-51.12321, -30.03), now=now)
    told = "".join(f"{one.data}{one.subject}" for one in Entry.objects.all())
    assert "12321" not in told and "zqx" not in told and made.own not in told and made.watch not in told
    kept = "".join(str(value) for value in Escort.objects.values().get().values())
    assert made.own not in kept and made.watch not in kept
    assert escorts.erase(now + timedelta(hours=12)) == 0
    assert escorts.erase(now + timedelta(hours=13)) == 1
    assert watched(made.watch).status_code == 404
    escorts.begin(person_actor(bea), 30)
    erase_account(SETTER_UP, bea)
    assert not Escort.objects.exists()


def test_the_log_knows_a_code_for_a_secret() -> None:
    for number in range(500):
        code = spelt(hashlib.sha256(b"%d" % number).digest())
        assert len(code) == 20 and code not in discreet(f"GET /safety/escort/way/{code}/ 200")


def test_it_may_be_asked_for(bea: Person) -> None:
    answer = do(person_actor(bea), skill_of("safety", "escort"), {"minutes": "45 minutes"})
    assert "/safety/escort/watch/" in answer["text"] and answer["url"].startswith("/safety/escort/way/")
    one = Escort.objects.get()
    assert one.until - one.began_at == 45 * MINUTE
