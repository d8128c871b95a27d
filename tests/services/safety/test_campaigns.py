"""Campaigns from the pattern to what can be said of it, and what everybody may know of a year."""

from __future__ import annotations

import csv
import io
import itertools
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from django.test import Client
from scipy.stats import binomtest

from cityhall.kernel.errors import Conflict, Denied, Invalid, Missing
from cityhall.kernel.journal.models import Entry
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.models import Person
from cityhall.kernel.ports.lines import LineStop
from cityhall.services.safety import campaigns, comparing, exports, patterns, releases
from cityhall.services.safety.campaigns import Plan
from cityhall.services.safety.models import Alert, Contact, Journey, Release
from tests.services.safety.conftest import officer

pytestmark = pytest.mark.usefixtures("city")
MARCH = date(2026, 3, 1)
SERVED = [LineStop(f"R{line}", str(line), f"S{stop}", f"Stop {stop}") for line in (1, 2, 3) for stop in range(6)]


@pytest.fixture(autouse=True)
def network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three lines that all call at six stops."""
    for module in (campaigns, releases):
        monkeypatch.setattr(module, "ask", lambda _port: lambda: SERVED)


@pytest.fixture
def planner() -> Actor:
    return officer("pia", "campaigns")


def local(day: date, hour: int) -> datetime:
    return patterns.midnight(day) + timedelta(hours=hour)


def harassed(day: date, hour: int = 18, line: str = "1", stop: int = 0, **fields: Any) -> Alert:
    at = local(day, hour)
    values: dict[str, Any] = {"received_at": at, "pressed_at": at, "waits_since": at, "kind": "harassment"}
    alert = Alert.objects.create(door="phone", state="closed", **(values | fields))
    if line:
        Journey.objects.create(
            alert=alert, line=f"R{line}", line_name=line, stop=f"S{stop}", stop_name=f"Stop {stop}", headsign="Hill"
        )
    return alert


def client(actor: Actor) -> Client:
    browser = Client()
    browser.force_login(Person.objects.get(pk=actor.person_id))
    return browser


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        (25, 12, "fell"),
        (25, 13, "cannot tell"),
        (9, 1, "fell"),
        (9, 2, "cannot tell"),
        (31, 16, "fell"),
        (31, 17, "cannot tell"),
        (12, 25, "rose"),
        (0, 0, "cannot tell"),
        (5, 0, "cannot tell"),
        (6, 0, "fell"),
    ],
)
def test_the_test_is_exact_and_can_say_that_nobody_can_tell(before: int, after: int, verdict: str) -> None:
    assert comparing.compare(before, after).verdict == verdict


def test_its_p_is_the_share_of_all_ways_that_part_them_as_far() -> None:
    """An oracle of its own: every way in which so few reports may fall before or after."""
    for before, after in ((5, 0), (6, 1), (3, 9), (7, 7)):
        size = before + after
        ways = [sum(way) for way in itertools.product((0, 1), repeat=size)]
        as_far = sum(abs(2 * way - size) >= abs(before - after) for way in ways)
        assert comparing.compare(before, after).p == pytest.approx(as_far / 2**size)
    assert comparing.compare(25, 12).p == pytest.approx(0.047, abs=5e-4)
    assert [comparing.least_fall(before) for before in (25, 9, 31, 5)] == [12, 1, 16, None]


def test_it_calls_a_difference_real_of_a_thousand_that_are_none_in_fewer_than_fifty() -> None:
    random = np.random.default_rng(15)
    pairs = random.poisson(20, (1000, 2)).tolist()
    called = sum(comparing.compare(*pair).verdict != "cannot tell" for pair in pairs)
    assert 0 < called < 50, "an exact test errs less often than it may"
    assert binomtest(12, 37, 0.5).pvalue < 0.05


def test_patterns_name_the_line_its_worst_hours_and_its_worst_stop() -> None:
    for number in range(8):
        harassed(MARCH + timedelta(days=number), 17 + number % 3, "2", 4)
    harassed(MARCH, 8, "2", 1)
    for number in range(3):
        harassed(MARCH + timedelta(days=number), 23 if number else 1, "1", number)
    harassed(MARCH, 18, "2", 4, exercise=True)
    harassed(MARCH, 18, "2", 4, kind="panic")
    harassed(MARCH, 18, "2", 4, outcome="false", reviewer=Person.objects.create_user("r@example.org"))
    harassed(MARCH - timedelta(days=1), 18, "2", 4)
    found = patterns.reports(MARCH, MARCH + timedelta(days=30))
    assert len(found) == 12 and patterns.by_hour(found)[8] == 1
    first, second = patterns.suggestions(found)
    assert (first.line_name, first.stop_name, first.count, first.of) == ("2", "Stop 4", 8, 9)
    assert (first.from_hour, first.to_hour) == (17, 21)
    assert (second.line_name, second.stop_name, second.from_hour, second.to_hour) == ("1", "", 23, 3)


def test_a_campaign_from_the_suggestion_to_its_effect(planner: Actor) -> None:
    for number in range(25):
        harassed(MARCH - timedelta(days=1 + number), 18, "2", 4)
        harassed(MARCH - timedelta(days=1 + number), 9, "2", 4)
    for number in range(12):
        harassed(MARCH + timedelta(days=31 + number), 19, "2", 4)
    browser, guard = client(planner), officer("gil", "guard")
    day = {"first": f"{MARCH - timedelta(days=60)}", "last": f"{MARCH}"}
    page = browser.get("/safety/campaigns/plan/", day).content.decode()
    assert "line=R2&amp;stop=S4&amp;" in page and "25 of 50 reports" in page
    form = {"name": "Line 2 in the evening", "line": "R2", "stop": "S4", "from_hour": "17", "to_hour": "21"}
    form |= {"begins": f"{MARCH}", "ends": f"{MARCH + timedelta(days=30)}", "days": "30", "about": "Guards ride along."}
    answer = browser.post("/safety/campaigns/plan/", form)
    assert answer.status_code == 302
    campaign = campaigns.find(int(answer["Location"].split("/")[3]))
    assert (campaign.line_name, campaign.stop_name) == ("2", "Stop 4")
    browser.post(f"/safety/campaigns/{campaign.pk}/plan/", {"guards": [str(guard.person_id)]})
    assert campaign.deployments.get().guard_id == guard.person_id
    early = campaigns.effect(campaign, now=local(MARCH + timedelta(days=40), 12))
    assert early.found is None and (early.before, early.least_fall) == (25, 12)
    late = campaigns.effect(campaign, now=local(MARCH + timedelta(days=62), 12))
    assert late.found is not None and (late.found.after, late.found.verdict) == (12, "fell")


def test_guards_record_how_many_and_nothing_of_who(planner: Actor) -> None:
    gil, eva = officer("gil", "guard"), officer("eva", "guard")
    today = datetime.now(UTC).date()
    campaign = campaigns.plan(planner, Plan("Now", today - timedelta(days=2), today + timedelta(days=2)))
    campaigns.assign(planner, campaign.pk, [gil.person_id or 0])
    phone = client(gil)
    assert "Now" in phone.get("/safety/campaigns/own/").content.decode()
    assert phone.post(f"/safety/campaigns/{campaign.pk}/contacts/", {"kind": "talk", "count": "12"}).status_code == 302
    campaigns.record(gil, campaign.pk, "talk", 3)
    campaigns.record(gil, campaign.pk, "leaflet", 40)
    assert campaigns.contacts(campaign) == [("gave leaflets", 40), ("talked to riders", 15)]
    assert campaigns.contacts_of_a_month() == 55
    assert "55" not in str(Contact._meta.get_fields()), "no field for who it was"
    with pytest.raises(Denied):
        campaigns.record(eva, campaign.pk, "talk", 1)
    for kind, count in (("x", 1), ("talk", 0), ("talk", 501)):
        with pytest.raises(Invalid):
            campaigns.record(gil, campaign.pk, kind, count)
    last = Contact.objects.first()
    assert last is not None
    with pytest.raises(Missing):
        campaigns.take_back(eva, last.pk)
    with pytest.raises(Conflict):
        campaigns.take_back(gil, last.pk, now=last.at + timedelta(hours=2))
    assert phone.post(f"/safety/campaigns/contacts/{last.pk}/back/").status_code == 302
    assert campaigns.contacts_of_a_month() == 15
    campaigns.call_off(planner, campaign.pk)
    with pytest.raises(Conflict):
        campaigns.record(gil, campaign.pk, "talk", 1)


def test_who_may_not_plan_or_see_is_refused(planner: Actor) -> None:
    gil, operator = officer("gil", "guard"), officer("ana")
    today = datetime.now(UTC).date()
    for actor in (gil, operator):
        with pytest.raises(Denied):
            campaigns.plan(actor, Plan("x", today, today))
        for page in ("campaigns/plan/", "figures/"):
            assert client(actor).get(f"/safety/{page}").status_code == 403
    for wrong in (
        Plan("", today, today),
        Plan("x", today, today - timedelta(days=1)),
        Plan("x", today, today, from_hour=3, to_hour=3),
        Plan("x", today, today, days=3),
    ):
        with pytest.raises(Invalid):
            campaigns.plan(planner, wrong)
    with pytest.raises(Missing):
        campaigns.plan(planner, Plan("x", today, today, line="R9"))
    campaign = campaigns.plan(planner, Plan("x", today, today))
    with pytest.raises(Missing):
        campaigns.assign(planner, campaign.pk, [operator.person_id or 0])


@pytest.mark.parametrize(("after", "said"), [(3, "Nobody can tell"), (30, "It may mean success")])
def test_everybody_reads_what_can_be_said_and_no_counts(planner: Actor, after: int, said: str) -> None:
    today = datetime.now(UTC).date()
    begins = today - timedelta(days=50)
    for _one in range(7):
        harassed(begins - timedelta(days=3), 18, "2", 4)
    for _one in range(after):
        harassed(begins + timedelta(days=13), 18, "2", 4)
    wanted = Plan("Line 2", begins, begins + timedelta(days=10), line="R2", days=30)
    campaign = campaigns.plan(planner, wanted)
    page = Client().get(f"/safety/campaigns/{campaign.pk}/").content.decode()
    assert said in page and ">7<" not in page and f">{after}<" not in page
    coming = campaigns.plan(planner, Plan("Soon", today + timedelta(days=9), today + timedelta(days=9)))
    assert "Soon" not in Client().get("/safety/campaigns/").content.decode()
    assert Client().get(f"/safety/campaigns/{coming.pk}/").status_code == 404


def test_a_copy_says_in_every_line_whose_it_is(planner: Actor) -> None:
    for number in range(3):
        harassed(MARCH + timedelta(days=number), stop=number)
    browser = client(planner)
    dates = {"first": f"{MARCH}", "last": f"{MARCH + timedelta(days=9)}"}
    answer = browser.post("/safety/figures/patterns.csv", dates)
    mark, head, *rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    entry = Entry.objects.get(type="export.made")
    copy = entry.data["copy"]
    assert "Pia" in mark[0] and str(planner.person_id) in mark[0] and copy in mark[0]
    assert head == ["day", "hour", "line", "stop", "copy"] and {row[-1] for row in rows} == {copy}
    assert len(rows) == 3 and entry.data["rows"] == 3 and entry.actor == str(planner)
    assert browser.get("/safety/figures/patterns.csv").status_code == 405, "no link makes a copy by itself"
    assert Client().post("/safety/figures/patterns.csv", dates).status_code == 403
    with pytest.raises(Denied):
        exports.watermarked(Actor("anonymous"), "x", [], [])
    assert browser.post("/safety/figures/intervals.csv", dates).status_code == 200
    assert browser.post("/safety/figures/x.csv", dates).status_code == 404


def test_the_officers_figures_have_intervals_by_kind_button_and_area(planner: Actor) -> None:
    for seconds in (4, 6, 20):
        at = local(MARCH, 9)
        harassed(
            MARCH,
            9,
            answered_at=at + timedelta(seconds=seconds),
            sent_at=at + timedelta(seconds=seconds + 30),
            there_at=at + timedelta(seconds=300),
        )
    page = client(planner).get("/safety/figures/", {"first": f"{MARCH}", "last": f"{MARCH}"}).content.decode()
    seen = Entry.objects.get(type="figures.seen")
    assert seen.actor == str(planner) and seen.data["first"] == f"{MARCH}", "who saw what is known"
    assert "6 / 17" in page and "30 / 30" in page and "300 / 300" in page


def test_a_year_is_published_once_when_it_is_over_and_tells_of_nobody() -> None:
    for number in range(14):
        harassed(date(2026, 2, 1 + number), 18, "1", 0)
    for number in range(9):
        harassed(date(2026, 5, 1 + number), 8, "2", number % 2)
    harassed(date(2026, 6, 1), 2, "3", 5)
    assert not releases.make_due(datetime(2027, 1, 5, tzinfo=UTC)), "late cancellations are waited for"
    assert releases.make_due(datetime(2027, 1, 9, tzinfo=UTC))
    assert not releases.make_due(datetime(2027, 1, 10, tzinfo=UTC)), "once"
    body = Release.objects.get().body
    shown = releases.rows(body)
    assert shown and all(row[-1] >= 5 for row in shown)
    assert {one["line"] for one in body["lines"]} != {"R1", "R2"} or body["total"] is None, "line 3 would be left over"
    harassed(date(2026, 7, 1), 18, "1", 0)
    assert releases.make(2026) is None and Release.objects.get().body == body
    assert Client().get("/safety/open/").status_code == 200
    assert Client().get("/safety/open/harassment.json").json()["years"][0]["lines"] == body["lines"]
    table = list(csv.reader(io.StringIO(Client().get("/safety/open/harassment.csv").content.decode("utf-8-sig"))))
    assert len(table) == 1 + len(shown)


def test_of_a_year_without_harassment_it_is_not_said_that_there_was_none() -> None:
    assert not releases.make_due(datetime(2027, 2, 1, tzinfo=UTC)), "nothing happened, no figures"
    harassed(date(2026, 7, 1), kind="panic")
    assert releases.make_due(datetime(2027, 2, 1, tzinfo=UTC))
    assert releases.rows(Release.objects.get().body) == []
