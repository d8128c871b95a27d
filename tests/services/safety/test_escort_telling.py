"""Who follows a way is told of it: an account as it wishes, an address by mail; and no stranger's words are mailed."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client
from django.utils import timezone

from cityhall.kernel.errors import Conflict, Denied, Invalid, Missing
from cityhall.kernel.journal.models import Entry
from cityhall.kernel.notify.models import Notification
from cityhall.kernel.people.actors import ANONYMOUS, person_actor
from cityhall.kernel.people.models import Person
from cityhall.services.safety import escort_telling, escorts, tasks
from cityhall.services.safety.models import Escort, EscortFollower
from tests.services.safety.conftest import go_on, only
from tests.services.safety.test_pages import signed_in

pytestmark = pytest.mark.usefixtures("city")
MINUTE = timedelta(minutes=1)


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What a worker is to do."""
    found: list[dict[str, Any]] = []
    monkeypatch.setattr(tasks.mail_follower, "defer", lambda **given: found.append(given))
    return found


def person(name: str, *, verified: bool = True) -> Person:
    made = Person.objects.create_user(f"{name}@example.org", name=name.title())
    EmailAddress.objects.create(user=made, email=made.email, verified=verified, primary=True)
    return made


def work(jobs: list[dict[str, Any]]) -> list[Any]:
    """The worker does them, each twice; gives the letters."""
    for given in jobs:
        for _time in range(2):
            tasks.mail_follower.func(**given)
    jobs.clear()
    letters, mail.outbox[:] = list(mail.outbox), []
    return letters


def titles(of: Person) -> list[str]:
    return list(Notification.objects.filter(person=of).order_by("pk").values_list("title", flat=True))


def test_whom_a_resident_names_is_told_when_it_begins_is_overdue_and_help_is_called(jobs: list[dict[str, Any]]) -> None:
    bea, eva, unproven = person("bea"), person("eva"), person("gil", verified=False)
    now = timezone.now()
    given = ["eva@example.org", "rui@example.org", unproven.email]
    made = escorts.begin(person_actor(bea), 30, name="Bea", calls=True, tell=given, now=now)
    assert titles(eva) == ["Bea is on the way"] and titles(unproven) == []
    letters = work(jobs)
    assert sorted(letter.to[0] for letter in letters) == ["gil@example.org", "rui@example.org"], "each letter once"
    assert all("Bea is on the way" in letter.subject for letter in letters)
    go_on(now + 31 * MINUTE)
    assert titles(eva) == ["Bea is on the way", "Bea has not arrived", "Bea has called for help"]
    said = [letter.subject for letter in work(jobs) if letter.to == ["rui@example.org"]]
    assert ["arrived" in said[0], "called for help" in said[1]] == [True, True]
    escorts.end(made.own, arrived=True)
    assert titles(eva)[-1] == "Bea has arrived" and len(work(jobs)) == 2
    url = Notification.objects.filter(person=eva).latest("pk").url
    assert "has arrived" in signed_in(person_actor(eva)).get(url).content.decode()


def test_who_arrives_in_time_troubles_nobody_again(jobs: list[dict[str, Any]]) -> None:
    made = escorts.begin(person_actor(person("bea")), 30, tell=["rui@example.org"])
    work(jobs)
    escorts.end(made.own, arrived=True)
    assert jobs == []


def test_who_calls_for_help_on_the_way_has_those_who_follow_told_once(jobs: list[dict[str, Any]]) -> None:
    eva = person("eva")
    made = escorts.begin(person_actor(person("bea")), 30, name="Bea", tell=["eva@example.org"])
    page = Client().get(f"/safety/escort/way/{made.own}/").content.decode()
    assert f"/safety/?way={made.own}" in page
    for _press in range(2):
        body = {"key": "k" * 32, "kind": "panic", "way": made.own}
        Client().post("/api/safety/presses", body, content_type="application/json")
    assert titles(eva)[1:] == ["Bea has called for help"] and Escort.objects.get().alert_id == only().pk
    assert "was called" in Client().get(f"/safety/escort/watch/{made.watch}/").content.decode()
    Client().post("/api/safety/presses", {"key": "l" * 32, "way": "a" * 20}, content_type="application/json")
    assert len(titles(eva)) == 2, "a way that there is not is no reason to lose a press"


def test_who_has_the_link_has_themselves_told_with_and_without_an_account(jobs: list[dict[str, Any]]) -> None:
    eva = person("eva")
    made = escorts.begin(ANONYMOUS, 30, name="Win money at http://spam.example")
    watch = f"/safety/escort/watch/{made.watch}/"
    signed = signed_in(person_actor(eva))
    assert signed.post(f"{watch}tell/").status_code == 302
    assert titles(eva) == ["Win money at http://spam.example is on the way"], "they have seen the page themselves"
    wrong = Client().post(f"{watch}tell/", {"tell": "not an address"})
    assert wrong.status_code == 422 and "no e-mail address" in wrong.content.decode()
    went = Client().post(f"{watch}tell/", {"tell": "rui@example.org"})
    page = Client().get(went["Location"])
    assert "Tell me no more" in page.content.decode() and page["Referrer-Policy"] == "same-origin"
    (letter,) = work(jobs)
    assert "spam" not in letter.subject + letter.body and letter.to == ["rui@example.org"]
    link = re.search(r"/safety/escort/told/\w{20}/", letter.body)
    assert link and link[0] == went["Location"]
    assert "?part=1" in page.content.decode() and Client().get(f"{link[0]}?part=1").status_code == 200
    assert Client().post(f"{link[0]}stop/").status_code == 200
    assert Client().get(link[0]).status_code == 404
    go_on(timezone.now() + 31 * MINUTE)
    assert jobs == [] and titles(eva)[-1].endswith("has not arrived")


def test_a_letter_to_one_who_has_gone_is_not_sent(jobs: list[dict[str, Any]]) -> None:
    made = escorts.begin(person_actor(person("bea")), 30, tell=["rui@example.org"])
    escorts.erase(timezone.now() + timedelta(days=2))
    assert work(jobs) == [] and not EscortFollower.objects.exists()
    with pytest.raises(Missing):
        escorts.by_own(made.own)


def test_the_city_is_nobodys_letter_box(jobs: list[dict[str, Any]]) -> None:
    bea = person_actor(person("bea"))
    with pytest.raises(Denied):
        escorts.begin(ANONYMOUS, 30, tell=["rui@example.org"])
    with pytest.raises(Invalid):
        escort_telling.addresses(" ".join(f"a{number}@example.org" for number in range(6)))
    assert escort_telling.addresses("A@example.org, a@example.org;b@example.org") == ["a@example.org", "b@example.org"]
    made = escorts.begin(bea, 30)
    for number in range(escort_telling.MOST):
        escort_telling.follow(ANONYMOUS, made.escort, f"a{number}@example.org")
    escort_telling.follow(ANONYMOUS, made.escort, "a0@example.org")
    with pytest.raises(Conflict):
        escort_telling.follow(ANONYMOUS, made.escort, "b@example.org")
    browser = signed_in(bea)
    answers = [
        browser.post("/safety/escort/begin/", {"minutes": "30", "tell": "x@example.org"}).status_code
        for _time in range(25)
    ]
    assert answers[0] == 302 and answers[-1] == 429


def test_what_was_typed_wrong_is_shown_with_what_was_typed(jobs: list[dict[str, Any]]) -> None:
    browser = signed_in(person_actor(person("bea")))
    assert "shall be told" in browser.get("/safety/escort/").content.decode()
    form = {"minutes": "45", "name": "Bea", "tell": "eva@@example", "calls": "1"}
    page = browser.post("/safety/escort/begin/", form)
    text = page.content.decode()
    assert page.status_code == 422 and "no e-mail address" in text and 'value="eva@@example"' in text
    assert 'value="45" checked' in text and 'aria-invalid="true"' in text and not Escort.objects.exists()
    assert "Sign in to have the city tell others" in Client().get("/safety/escort/").content.decode()


def test_the_journal_knows_no_address_and_the_table_no_code(jobs: list[dict[str, Any]]) -> None:
    made = escorts.begin(person_actor(person("bea")), 30, tell=["zqx@example.org"])
    told = "".join(f"{one.data}{one.subject}" for one in Entry.objects.all())
    follower = EscortFollower.objects.get()
    assert "zqx" not in told and escort_telling.code_of(follower) not in str(EscortFollower.objects.values().get())
    assert jobs == [{"follower_id": follower.pk, "what": "began"}] and made.escort.followers.count() == 1
