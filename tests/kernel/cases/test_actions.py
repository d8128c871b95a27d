"""What may be done with a case, by whom, and what is kept of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from cityhall.kernel import service
from cityhall.kernel.cases import actions, queries
from cityhall.kernel.cases.agencies import keep_agencies
from cityhall.kernel.cases.models import Agency, Case
from cityhall.kernel.cases.workflow import DONE, OPEN, REQUESTER, TABLE, State, possible
from cityhall.kernel.deadlines.models import Deadline
from cityhall.kernel.deadlines.taker import take_due
from cityhall.kernel.errors import Conflict, Denied, Invalid, Missing
from cityhall.kernel.journal.models import Entry
from cityhall.kernel.notify.models import Notification
from cityhall.kernel.people.actors import ANONYMOUS, Actor, person_actor, system
from cityhall.kernel.people.declares import Role
from cityhall.kernel.people.models import Membership, Person
from cityhall.kernel.service import Service

pytestmark = pytest.mark.django_db
SERVICE = Service("repairs", "Repairs", "", "cityhall.services.transit", declares=(
    Role("officer", "Officer", ("repairs.work_case",)),
))  # fmt: skip
ZONE = ZoneInfo("America/Sao_Paulo")
MONDAY = datetime(2026, 11, 23, 8, tzinfo=ZONE)
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def repairs(monkeypatch: pytest.MonkeyPatch) -> None:
    # The addresses are those of the whole city, whichever test asks for one first.
    import_module("cityhall.urls")
    monkeypatch.setattr(service, "city_services", lambda: (SERVICE,))


@pytest.fixture
def agencies() -> tuple[Agency, Agency]:
    mayor = Agency.objects.create(slug="mayor", name="Mayor")
    return Agency.objects.create(slug="roads", name="Roads", superior=mayor), mayor


def officer(agency: Agency, name: str = "olga") -> Actor:
    person = Person.objects.create_user(f"{name}@example.org", name=name)
    Membership.objects.create(person=person, role="repairs.officer", scope=agency.scope)
    return person_actor(person)


def opened(agency: Agency, hours: float = 8) -> Case:
    return actions.open_case(ANONYMOUS, "repairs", agency, HOUR * hours, now=MONDAY)


def waiting_for(case: Case) -> list[datetime]:
    """The moments at which something will be done with a case."""
    return list(Deadline.objects.filter(subject=f"case:{case.pk}").values_list("due_at", flat=True))


@pytest.fixture
def heard() -> Iterator[list[tuple[str, str]]]:
    told: list[tuple[str, str]] = []

    def hear(case: Case, transition: Any, **_values: Any) -> None:
        told.append((transition.name if transition else "clock", case.state))

    actions.changed.connect(hear)
    yield told
    actions.changed.disconnect(hear)


def test_every_state_can_be_left_or_is_an_end() -> None:
    for state in State:
        assert possible(state, "officer") or possible(state, "requester") or state == State.MERGED
    assert set(OPEN) | set(DONE) == set(State)
    assert all(step.target is None or step.target not in step.source or step.name == "transfer" for step in TABLE)


def test_from_opening_to_confirmation(agencies: tuple[Agency, Agency], heard: list[tuple[str, str]]) -> None:
    roads, _mayor = agencies
    case, olga = opened(roads), officer(roads)
    assert case.due_at == datetime(2026, 11, 23, 17, tzinfo=ZONE), "eight hours of work, with an hour for lunch"
    actions.act(olga, case.pk, "start", now=MONDAY + HOUR)
    actions.act(olga, case.pk, "ask", reason="Which lamp?", now=MONDAY + 2 * HOUR)
    waiting = Case.objects.get(pk=case.pk)
    assert waiting.due_at is None and waiting.used == 2 * HOUR and waiting_for(waiting) == []
    later = MONDAY + timedelta(days=2)
    actions.act(ANONYMOUS, case.pk, "answer", who=REQUESTER, reason="The third.", now=later)
    assert Case.objects.get(pk=case.pk).due_at == later + 7 * HOUR
    actions.act(olga, case.pk, "resolve", now=later + HOUR)
    done = Case.objects.get(pk=case.pk)
    assert done.in_time and done.used == 3 * HOUR and waiting_for(done) == [later + HOUR + timedelta(days=7)]
    actions.act(ANONYMOUS, case.pk, "confirm", who=REQUESTER)
    assert waiting_for(done) == []
    assert heard == [
        ("start", "working"),
        ("ask", "waiting"),
        ("answer", "working"),
        ("resolve", "resolved"),
        ("confirm", "closed"),
    ]
    story = queries.history(case)
    assert [line.what for line in story] == ["opened", "start", "ask", "answer", "resolve", "confirm"]
    assert [line.comment.text for line in story if line.comment] == ["Which lamp?", "The third."]
    assert "Which lamp?" not in str(list(Entry.objects.values_list("data", flat=True))), "the journal holds no words"


def test_denied_unless_given(agencies: tuple[Agency, Agency]) -> None:
    roads, mayor = agencies
    case, stranger = opened(roads), officer(mayor, "stranger")
    for actor in (ANONYMOUS, stranger):
        with pytest.raises(Denied):
            actions.act(actor, case.pk, "accept")
    with pytest.raises(Denied):
        actions.act(ANONYMOUS, case.pk, "accept", who=REQUESTER)
    with pytest.raises(Denied):
        actions.act(officer(roads), case.pk, "confirm", who="city")
    with pytest.raises(Missing):
        actions.act(system("test"), 10**9, "accept")
    with pytest.raises(Denied):
        actions.comment(stranger, case.pk, "hello", public=False)


def test_a_step_needs_its_state_and_its_reason(agencies: tuple[Agency, Agency]) -> None:
    roads, _mayor = agencies
    case, olga = opened(roads), officer(roads)
    with pytest.raises(Invalid):
        actions.act(olga, case.pk, "reject", reason="  ")
    assert Case.objects.get(pk=case.pk).state == State.NEW
    actions.act(olga, case.pk, "reject", reason="Not the city's road.")
    with pytest.raises(Conflict):
        actions.act(olga, case.pk, "start")


def test_a_reopened_case_goes_on_where_its_clock_stood(agencies: tuple[Agency, Agency]) -> None:
    roads, _mayor = agencies
    case, olga = opened(roads, hours=4), officer(roads)
    actions.act(olga, case.pk, "resolve", now=MONDAY + 3 * HOUR)
    again = MONDAY + timedelta(days=1)
    actions.act(ANONYMOUS, case.pk, "reopen", who=REQUESTER, reason="It is dark again.", now=again)
    case.refresh_from_db()
    assert (case.in_time, case.done_at, case.reopened) == (None, None, 1) and case.due_at == again + HOUR
    actions.act(olga, case.pk, "resolve", now=again + 3 * HOUR)
    case.refresh_from_db()
    assert case.in_time is False


def test_late_cases_are_told_once_and_go_up(agencies: tuple[Agency, Agency]) -> None:
    roads, mayor = agencies
    case = opened(roads, hours=4)
    olga, chief = officer(roads), officer(mayor, "chief")
    assert take_due(MONDAY + 2 * HOUR) == 0
    assert take_due(MONDAY + 3.5 * HOUR) == 1 and take_due(MONDAY + 3.6 * HOUR) == 0
    case.refresh_from_db()
    assert (case.level, case.above) == (1, None)
    assert take_due(MONDAY + 4 * HOUR) == 1 and take_due(MONDAY + 5 * HOUR) == 0
    case.refresh_from_db()
    assert (case.level, case.above) == (2, mayor)
    titles = Notification.objects.values_list("person__name", "title").order_by("pk")
    assert list(titles) == [
        ("olga", f"Case {case.pk} is due soon"),
        ("olga", f"Case {case.pk} is late"),
        ("chief", f"Case {case.pk} is late"),
    ]
    actions.act(chief, case.pk, "start")
    # A program that stood still for a week tells once of all it missed.
    assert take_due(MONDAY + timedelta(days=7)) == 1
    assert Notification.objects.filter(person__name="olga").count() == 3
    assert olga.id != chief.id


@pytest.mark.parametrize("seconds", [0.0, 1.0, 60.0])
def test_what_has_been_late_for_years_is_told_once(agencies: tuple[Agency, Agency], seconds: float) -> None:
    """An import may bring a case that was promised within a minute, years ago."""
    roads, mayor = agencies
    case = opened(roads, hours=seconds / 3600)
    officer(mayor, "chief")
    years = MONDAY + timedelta(days=4000)
    assert take_due(years) == 1 and take_due(years + HOUR) == 0
    case.refresh_from_db()
    assert (case.level, case.above) == (2 if seconds == 0 else actions.HIGHEST, mayor)
    assert Notification.objects.count() == 1 and waiting_for(case) == []


def test_a_new_promise_moves_the_moment(agencies: tuple[Agency, Agency]) -> None:
    roads, _mayor = agencies
    case = opened(roads, hours=4)
    assert take_due(MONDAY + 4 * HOUR) == 1
    actions.promise(system("test"), actions.locked(case.pk), 8 * HOUR, "always", now=MONDAY + 4 * HOUR)
    assert waiting_for(case) == [MONDAY + 6 * HOUR], "three quarters of eight hours"
    assert take_due(MONDAY + 5 * HOUR) == 0 and take_due(MONDAY + 6 * HOUR) == 1


def test_what_was_answered_in_time_is_not_told(agencies: tuple[Agency, Agency]) -> None:
    roads, _mayor = agencies
    case, olga = opened(roads, hours=4), officer(roads)
    actions.act(olga, case.pk, "reject", reason="Not the city's road.", now=MONDAY + HOUR)
    assert take_due(MONDAY + timedelta(days=30)) == 0 and waiting_for(case) == []
    assert not Notification.objects.exists()


def test_silence_confirms(agencies: tuple[Agency, Agency]) -> None:
    roads, _mayor = agencies
    case = opened(roads)
    actions.act(officer(roads), case.pk, "resolve", now=MONDAY)
    assert take_due(MONDAY + timedelta(days=6)) == 0
    assert take_due(MONDAY + timedelta(days=8)) == 1
    assert Case.objects.get(pk=case.pk).state == State.CLOSED


def test_the_wrong_agency_gives_it_on(agencies: tuple[Agency, Agency]) -> None:
    roads, mayor = agencies
    case, olga = opened(roads), officer(roads)
    actions.assign(olga, case.pk, Person.objects.get(name="olga"))
    with pytest.raises(Conflict):
        actions.transfer(olga, case.pk, roads, "no")
    actions.transfer(olga, case.pk, mayor, "It stands in a park.")
    case.refresh_from_db()
    assert (case.agency, case.assignee, case.state) == (mayor, None, State.NEW)
    assert queries.history(case)[-1].data["to"] == "mayor"
    with pytest.raises(Denied):
        actions.act(olga, case.pk, "accept")


def test_only_the_agencys_own_are_assigned(agencies: tuple[Agency, Agency]) -> None:
    roads, _mayor = agencies
    case, olga = opened(roads), officer(roads)
    with pytest.raises(Invalid):
        actions.assign(olga, case.pk, Person.objects.create_user("x@example.org"))
    assert actions.assign(olga, case.pk, Person.objects.get(name="olga")).assignee_id == olga.person_id


def test_merging(agencies: tuple[Agency, Agency]) -> None:
    roads, _mayor = agencies
    olga = officer(roads)
    first, second, third = opened(roads), opened(roads), opened(roads)
    actions.merge(olga, third.pk, second.pk)
    actions.merge(olga, second.pk, first.pk)
    third.refresh_from_db()
    assert third.merged_into_id == first.pk and third.state == State.MERGED and waiting_for(third) == []
    with pytest.raises(Conflict):
        actions.merge(olga, first.pk, third.pk)
    with pytest.raises(Conflict):
        actions.merge(olga, first.pk, first.pk)


def test_in_bulk_one_refusal_does_not_hold_the_others(agencies: tuple[Agency, Agency]) -> None:
    roads, mayor = agencies
    olga, mine, other = officer(roads), opened(roads), opened(mayor)
    result = actions.bulk(olga, [mine.pk, other.pk, 10**9, mine.pk], "accept")
    assert result.done == [mine.pk]
    assert {pk: type(problem) for pk, problem in result.refused.items()} == {other.pk: Denied, 10**9: Missing}


def test_agencies_ranked_by_what_they_kept(agencies: tuple[Agency, Agency]) -> None:
    roads, mayor = agencies
    chief = officer(mayor, "chief")
    in_time, late, lying = opened(mayor, 4), opened(mayor, 1), opened(roads, 1)
    actions.act(chief, in_time.pk, "resolve", now=MONDAY + 2 * HOUR)
    actions.act(chief, late.pk, "resolve", now=MONDAY + 2 * HOUR)
    best, last = queries.ranking("repairs", MONDAY, MONDAY + 5 * HOUR)
    assert (best.agency, best.done, best.in_time, best.share) == (mayor, 2, 1, 0.5)
    assert (last.agency, last.open, last.late, last.share) == (roads, 1, 1, None) and lying.is_open


def test_agencies_are_made_once_and_changed_where_they_differ(agencies: tuple[Agency, Agency]) -> None:
    wanted = {"coast": ("Coast", "sea"), "sea": ("Sea", "mayor"), "roads": ("Roads and bridges", "")}
    for _time in range(2):
        keep_agencies(system("test"), wanted)
    found = {one.slug: (one.name, one.superior and one.superior.slug) for one in Agency.objects.all()}
    assert found == {
        "coast": ("Coast", "sea"),
        "sea": ("Sea", "mayor"),
        "roads": ("Roads and bridges", None),
        "mayor": ("Mayor", None),
    }
    told = Entry.objects.filter(type="agency.kept").values_list("subject", flat=True)
    assert sorted(told) == ["agency:coast", "agency:roads", "agency:sea"], "the second time nothing was to be done"
    with pytest.raises(KeyError):
        keep_agencies(system("test"), {"parks": ("Parks", "nobody")})
    assert not Agency.objects.filter(slug="parks").exists()
