"""Routing, the desk, and what comes back to the resident."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise, permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core import mail as outbox
from django.db import connection
from django.test import Client
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from cityhall.kernel.cases import actions as cases
from cityhall.kernel.cases.models import Agency, Case
from cityhall.kernel.errors import CityhallError, Conflict, Denied, Invalid
from cityhall.kernel.limits.sources import pseudonym
from cityhall.kernel.notify.models import Notification
from cityhall.kernel.people import privacy
from cityhall.kernel.people.actors import Actor, person_actor, system
from cityhall.kernel.people.models import Person
from cityhall.kernel.places.point import metres_between
from cityhall.services.reports import actions, following, heat, routing, tasks, tours
from cityhall.services.reports.models import Report, RuleSet, SavedFilter, StandardAnswer, Supporter
from tests.jobs import run_job
from tests.services.reports.conftest import CENTER, filed, jpeg, officer_of

pytestmark = pytest.mark.django_db


def client_of(actor: Actor) -> Client:
    made = Client()
    made.force_login(Person.objects.get(pk=actor.person_id))
    return made


def test_rules_are_tried_put_in_service_and_rolled_back(city: Path) -> None:
    rita = officer_of("", "rita", "reports.router")
    lamp = filed(category="streetlight", text="In the park it is dark").report
    actions.reroute(system("test"), lamp.pk, "parks", "It is the park's lamp.")
    rules = [{"category": "streetlight", "words": "park garden", "agency": "parks", "hours": "6"}]
    trial = routing.try_rules(rita, rules)
    assert (trial.reports, trial.right, trial.before) == (1, 1, 0)
    assert trial.moved == {("Public Works", "Parks and Gardens"): 1}
    first = RuleSet.objects.get()
    second = routing.save_rules(rita, rules, "Lamps in parks")
    routed = filed(category="streetlight", text="The garden is dark").report.case
    assert (routed.agency.slug, routed.promised) == ("parks", timedelta(hours=6))
    assert filed(category="streetlight", text="Dark").report.case.agency.slug == "public-works"
    routing.roll_back(rita, first.pk)
    assert filed(category="streetlight", text="The garden is dark").report.case.agency.slug == "public-works"
    with pytest.raises(Conflict):
        routing.roll_back(rita, first.pk)
    assert RuleSet.objects.get(state="in_service") == first and second.pk != first.pk


@pytest.mark.django_db(transaction=True)
def test_rules_put_in_service_by_many_at_once(city: Path) -> None:
    notes = [str(number) for number in range(6)]

    def save(note: str) -> None:
        try:
            routing.save_rules(system("test"), [{"agency": "parks"}], note)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(notes)) as threads:
        list(threads.map(save, notes))
    assert set(RuleSet.objects.exclude(note="").values_list("note", flat=True)) >= set(notes)
    assert RuleSet.objects.filter(state="in_service").count() == 1


@pytest.mark.parametrize(
    "wrong",
    [{"agency": "nobody"}, {"category": "x"}, {"hours": "soon"}, {"hours": "²"}, {"hours": "0"}, {"zone": "moon"}],
)
def test_rules_that_cannot_be_meant(city: Path, wrong: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        routing.save_rules(system("test"), [{"agency": "parks", **wrong}], "")
    with pytest.raises(Denied):
        routing.save_rules(officer_of("parks"), [], "")


def test_every_change_reaches_the_reporter_in_their_language(city: Path) -> None:
    maria = Person.objects.create_user("maria@example.org", language="pt")
    named = filed(person_actor(maria), named=True).report
    mailed = filed(email="jo@example.org", language="es").report
    for report in (named, mailed):
        cases.act(system("test"), report.pk, "ask", reason="Which side?")
    told = Notification.objects.get(person=maria)
    assert told.language == "pt" and "Which side?" in told.body and told.url == f"/reports/{named.pk}/"
    job = ProcrastinateJob.objects.get(task_name="reports.mail_reporter")
    assert "jo@example.org" not in str(job.args)
    run_job("reports.mail_reporter", job.args)
    (sent,) = outbox.outbox
    assert sent.to == ["jo@example.org"] and "Which side?" in sent.body
    path = sent.body[sent.body.index("/reports/follow/") :].split()[0]
    assert Client().get(path).status_code == 200


def test_the_reporter_answers_confirms_votes_and_reopens(city: Path) -> None:
    made = filed()
    page, client = f"/reports/follow/{made.secret}/", Client()
    cases.act(system("test"), made.report.pk, "ask", reason="Which side?")
    assert "Which side?" in client.get(page).content.decode()
    assert client.post(page, {"step": "answer", "reason": "The left."}).status_code == 302
    cases.act(system("test"), made.report.pk, "resolve")
    for vote in ("9", "100", "good"):
        assert client.post(page, {"step": "confirm", "vote": vote}).status_code == 422, vote
    assert client.post(page, {"step": "dance"}).status_code == 404
    assert client.post(page, {"step": "reopen", "reason": ""}).status_code == 422
    client.post(page, {"step": "reopen", "reason": "It is still there."})
    report = Report.objects.get(pk=made.report.pk)
    assert (report.state, report.case.reopened) == ("accepted", 1)
    cases.act(system("test"), made.report.pk, "resolve")
    client.post(page, {"step": "confirm", "vote": "5"})
    report.refresh_from_db()
    assert (report.state, report.vote) == ("closed", 5)
    assert client.post(page, {"step": "confirm"}).status_code == 422, "it is closed, and no vote is said"
    Case.objects.filter(pk=report.pk).update(done_at=timezone.now() - timedelta(days=31))
    assert client.post(page, {"step": "reopen", "reason": "Again"}).status_code == 409
    answer = client.get(page)
    assert answer["Referrer-Policy"] == "same-origin" and answer["X-Robots-Tag"] == "noindex"


def test_a_followed_report_says_since_when_and_its_parts_are_asked_for_anew(city: Path) -> None:
    maria = person_actor(Person.objects.create_user("maria@example.org"))
    made = filed(maria, named=True)
    pages = {f"/reports/follow/{made.secret}/": Client(), f"/reports/{made.report.pk}/": client_of(maria)}
    for step in ("accept", "start"):
        cases.act(system("test"), made.report.pk, step)
    cases.act(system("test"), made.report.pk, "resolve", reason="It is filled.")
    for page, client in pages.items():
        stands = client.get(page, {"part": "stands"}).content.decode()
        assert stands.count("<time") == 4 and "<html" not in stands and "csrf" not in stands
        since = client.get(page, {"part": "since"}).content.decode()
        assert "It is filled." in since and "Reopen it" in since and "<html" not in since
        assert client.post(page, {"step": "reopen", "reason": "No"}).status_code == 302
        cases.act(system("test"), made.report.pk, "resolve")
    public = f"/reports/{made.report.pk}/"
    assert Client().post(public, {"step": "reopen", "reason": "No"}).status_code == 403
    assert "<time" not in Client().get(public).content.decode().split('class="way"')[1].split("</ol>")[0]


def test_the_inbox_is_of_ones_own_agency(city: Path) -> None:
    olga = officer_of("parks")
    mine, other = filed(category="tree", text="Fallen tree").report, filed().report
    client = client_of(olga)
    page = client.get("/reports/desk/").content.decode()
    assert f"/desk/{mine.pk}/" in page and f"/desk/{other.pk}/" not in page
    assert client.get(f"/reports/desk/{other.pk}/").status_code == 403
    assert Client().get("/reports/desk/").status_code == 403
    assert Client().get("/reports/desk/points/desk.geojson").status_code == 403
    points = client.get("/reports/desk/points/desk.geojson").json()["features"]
    assert [one["properties"]["id"] for one in points] == [mine.pk]
    assert f"/desk/{mine.pk}/" not in client.get("/reports/desk/?text=lamp").content.decode()
    client.post("/reports/desk/filters/", {"name": "Trees", "category": "tree"})
    assert SavedFilter.objects.get().query == "category=tree"
    assert "Trees" in client.get("/reports/desk/?category=tree&light=red&mine=1&photo=1&zone=x").content.decode()


def test_everything_on_a_cases_page(city: Path) -> None:
    olga = officer_of("parks")
    report = filed(category="tree", text="Árbol caído y un bache", language="es", source="a").report
    client = client_of(olga)

    def do(what: str, **values: str) -> str:
        answer = client.post(f"/reports/desk/{report.pk}/{what}/", values, follow=True)
        assert answer.status_code == 200
        return answer.content.decode()

    do("step", step="accept")
    do("assign", officer=olga.id)
    do("comment", text="Bring the saw", public="0")
    do("comment", text="We come on Monday", public="1")
    assert "Fallen tree and a hole" in do("translate", text="Fallen tree and a hole")
    do("split", category="pothole", text="un bache")
    assert Case.objects.get(split_from=report.pk).agency.slug == "public-works"
    twin = filed(category="tree", source="b").report
    client.post("/reports/desk/bulk/", {"step": "merge", "report": [str(report.pk), str(twin.pk)]})
    assert Case.objects.get(pk=twin.pk).merged_into_id == report.pk
    assert Report.objects.get(pk=report.pk).supporters_count == 1
    do("hide", hidden="1")
    assert Client().get(f"/reports/{report.pk}/").status_code == 404
    do("hide", hidden="0")
    public = Client().get(f"/reports/{report.pk}/").content.decode()
    assert "Bring the saw" not in public and "We come on Monday" in public
    do("recategorise", category="pothole", reason="It is a hole.")
    report = Report.objects.select_related("category", "case__agency").get(pk=report.pk)
    assert (report.category.slug, report.case.agency.slug, report.state) == ("pothole", "public-works", "new")
    assert client.get(f"/reports/desk/{report.pk}/").status_code == 403, "it is another agency's now"
    assert sum(number for _cell, number in heat.cells(9)) == 2


def test_what_was_typed_is_there_when_it_is_refused(city: Path) -> None:
    olga, report = officer_of("public-works"), filed().report.pk
    client, case = client_of(olga), f"/reports/desk/{report}"
    cases.act(officer_of("public-works", "otto"), report, "resolve")
    answer = client.post(f"{case}/step/", {"step": "reject", "reason": "It is a <private> road."})
    page = answer.content.decode()
    assert answer.status_code == 409 and "It is a &lt;private&gt; road.</textarea>" in page
    assert page.count("It is resolved, so this cannot be done now.") == 2 and 'aria-describedby="refused"' in page
    cases.act(olga, report, "reopen", reason="No")
    for what, values, kept in (
        ("step", {"step": "reject", "reason": " "}, 'aria-invalid="true"> </textarea>'),
        ("merge", {"into": "#77777"}, 'value="#77777"'),
        ("reroute", {"agency": "public-works", "reason": "To the bridge team"}, 'value="To the bridge team"'),
        ("recategorise", {"category": "zzz", "reason": "It is a tree"}, 'value="It is a tree"'),
        ("comment", {"text": "x" * 10_001}, "x" * 10_001),
    ):
        answer = client.post(f"{case}/{what}/", values)
        assert answer.status_code in (404, 409, 422), what
        assert kept.replace('"true">', '"true" aria-describedby="refused">') in answer.content.decode(), what
    values = {"step": "accept", "reason": "We know", "report": str(report)}
    page = client.post("/reports/desk/bulk/", values).content.decode()
    assert f'value="{report}" checked' in page and 'value="We know"' in page and 'value="accept" selected' in page


def test_what_was_not_done_is_not_said_to_be(city: Path) -> None:
    """No such form, an officer who is none, a photo that did not come: each was answered "It was saved." once."""
    olga, report = officer_of("public-works"), filed().report.pk
    client, case = client_of(olga), f"/reports/desk/{report}"
    cases.assign(olga, report, Person.objects.get(pk=olga.id))
    for what, values, status in (
        ("dance", {}, 404),
        ("assign", {"officer": "99999999"}, 422),
        ("assign", {"officer": "olga"}, 422),
        ("photo", {"kind": "after"}, 422),
    ):
        answer = client.post(f"{case}/{what}/", values)
        assert answer.status_code == status, what
        assert "It was saved." not in client.get(f"{case}/").content.decode(), what
        assert str(Case.objects.get(pk=report).assignee_id) == olga.id, "nobody took it away"
    client.post(f"{case}/assign/", {"officer": ""})
    assert Case.objects.get(pk=report).assignee is None


def test_in_bulk(city: Path) -> None:
    olga, made = officer_of("public-works"), [filed().report.pk for _ in range(3)]
    other = filed(category="tree").report.pk
    values = {"step": "accept", "report": [str(one) for one in (*made, other)]}
    page = client_of(olga).post("/reports/desk/bulk/", values, follow=True).content.decode()
    assert Report.objects.filter(state="accepted").count() == 3 and f"{other}: You may not do this." in page
    views = client_of(olga).get("/reports/desk/?light=red&part=views").content.decode()
    assert "open 3" in views and 'href="/reports/desk/?light=red" aria-current="true"' in views and "<html" not in views


def test_a_crews_round_is_short_and_its_photos_are_kept(city: Path) -> None:
    olga = officer_of("public-works")
    places = [(CENTER[0] + 0.001 * step, CENTER[1]) for step in (5, 1, 4, 2, 3)]
    made = [filed(lon=lon, lat=lat).report for lon, lat in places]
    for report in made:
        cases.act(olga, report.pk, "accept")
    ordered, metres = tours.tour(tours.of_crew(olga, 40), CENTER)
    assert [round((one.point.lon - CENTER[0]) * 1000) for one in ordered] == [1, 2, 3, 4, 5]
    assert metres == pytest.approx(480, rel=0.02)
    client = client_of(olga)
    assert client.get("/reports/desk/field/?from=-51.2,-30.03").status_code == 200
    from django.core.files.uploadedfile import SimpleUploadedFile

    picture = SimpleUploadedFile("after.jpg", jpeg(), "image/jpeg")
    client.post(f"/reports/desk/{made[0].pk}/photo/", {"photo": picture, "kind": "after", "then": "field"})
    assert made[0].photos.get().kind == "after"


def test_a_round_is_never_longer_than_nearest_neighbour() -> None:
    """Of a few places it is nearly the shortest there is; of many, shorter than going to the nearest each time."""
    rng = np.random.default_rng(3)
    won = 0
    for size in (1, 2, 3, 5, 7, 7, 9, 30, 30, 30):
        places = np.array(CENTER) + rng.normal(0, 0.01, (size, 2))
        order, metres = tours.shortest(places)
        assert sorted(order) == list(range(size)) and order[0] == 0
        assert metres == pytest.approx(_length(places, order), rel=1e-3)
        greedy, left = [0], set(range(1, size))
        while left:
            greedy.append(min(left, key=lambda one: _length(places, [greedy[-1], one])))
            left.remove(greedy[-1])
        assert metres <= _length(places, greedy) * 1.001
        won += metres < _length(places, greedy) * 0.99
        if size <= 7:
            best = min(_length(places, [0, *rest]) for rest in permutations(range(1, size)))
            assert best * 0.999 <= metres <= best * 1.1
    assert won >= 3


def _length(places: Any, order: Sequence[int]) -> float:
    return sum(metres_between(places[a], places[b]) for a, b in pairwise(order))


def test_rules_page(city: Path) -> None:
    rita = client_of(officer_of("", "rita", "reports.router"))
    filed()
    row = {"category": "pothole", "zone": "", "asset": "", "words": "", "agency": "mobility", "hours": "8"}
    page = rita.post("/reports/desk/rules/", {**row, "do": "try"}).content.decode()
    assert "Public Works → Traffic and Mobility: 1" in page
    rita.post("/reports/desk/rules/", {**row, "do": "save", "note": "Holes"})
    assert filed().report.case.agency == Agency.objects.get(slug="mobility")
    assert rita.post("/reports/desk/rules/", {**row, "hours": "x", "do": "try"}).status_code == 422
    assert client_of(officer_of("parks")).get("/reports/desk/rules/").status_code == 403


def test_what_tells_who_it_was_is_erased_in_time(city: Path) -> None:
    maria = Person.objects.create_user("maria@example.org")
    made = filed(person_actor(maria), named=True, email="m@example.org", source="s", photos=(jpeg(),))
    cases.act(system("test"), made.report.pk, "resolve", reason="Dear Maria, done.")
    assert tasks.erase_personal() == 0
    long_ago = timezone.now() - timedelta(days=366)
    Report.objects.update(changed_at=long_ago, filed_at=long_ago)
    open_one = filed(email="n@example.org").report
    assert tasks.erase_personal() == 1
    report = Report.objects.get(pk=made.report.pk)
    assert (report.person, report.email, report.text, report.source, report.photos.count()) == (None, "", "", "", 0)
    assert report.point is not None and report.case.comments.count() == 0
    assert Report.objects.get(pk=open_one.pk).email == "n@example.org"
    with pytest.raises(CityhallError):
        following.followed("A" * 43)


def test_with_an_account_goes_what_tells_whose_report_it_was(city: Path) -> None:
    maria = Person.objects.create_user("maria@example.org")
    actor = person_actor(maria)
    report = filed(actor, named=True, name="Maria", email="maria@example.org", source=pseudonym(str(actor))).report
    other = filed(source="other").report
    actions.support(actor, other.pk, pseudonym(str(actor)), named=True)
    privacy.erase(actor, maria)
    report.refresh_from_db()
    assert (report.person, report.name, report.email, report.source) == (None, "", "", "")
    assert Supporter.objects.count() == 0 and report.text == "A deep hole"


@pytest.mark.parametrize(("texts", "kept"), [('{"en": "Thank you."}', True), ('["Thank you."]', False), ("1", False)])
def test_a_standard_answer_of_the_wrong_kind_never_reaches_the_desk(city: Path, texts: str, kept: bool) -> None:
    chief = Client()
    chief.force_login(Person.objects.create_superuser("chief@example.org", "a long password"))
    chief.post("/admin/reports/standardanswer/add/", {"name": "Odd", "step": "", "texts": texts})
    assert StandardAnswer.objects.filter(name="Odd").exists() == kept
    assert chief.get(f"/reports/desk/{filed().report.pk}/").status_code == 200
