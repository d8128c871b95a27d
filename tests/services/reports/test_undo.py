"""Taking back what was done at the desk, and rules that were put in service."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone

from cityhall.kernel.cases import actions as cases
from cityhall.kernel.cases import undo
from cityhall.kernel.cases.models import Case
from cityhall.kernel.errors import Conflict, Denied
from cityhall.kernel.journal.models import Entry
from cityhall.kernel.notify.models import Notification
from cityhall.kernel.people.actors import ANONYMOUS, person_actor
from cityhall.kernel.people.models import Person
from cityhall.services.reports import actions, heat, routing
from cityhall.services.reports.models import Report, RuleSet, Supporter
from tests.services.reports.conftest import filed, officer_of
from tests.services.reports.test_desk import client_of

pytestmark = pytest.mark.django_db


def press_undo(client: Client, page: str) -> str:
    """Presses the page's own Undo button; gives the page that follows."""
    form = page[page.index('action="/reports/desk/undo/"') :].partition("</form>")[0]
    values: dict[str, list[str]] = {}
    for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', form):
        values.setdefault(name, []).append(value)
    return client.post("/reports/desk/undo/", values, follow=True).content.decode()


def test_a_bulk_rejection_is_undone_and_the_resident_told(city: Path) -> None:
    client, maria = client_of(officer_of("public-works")), Person.objects.create_user("maria@example.org")
    first = filed(person_actor(maria), named=True).report.pk
    second, third = (filed().report.pk for _ in range(2))
    before = Case.objects.get(pk=first)
    values = {"step": "reject", "reason": "Not ours.", "report": [str(one) for one in (first, second, third)]}
    page = client.post("/reports/desk/bulk/", values, follow=True).content.decode()
    assert "3 were changed." in page
    cases.act(officer_of("public-works", "otto"), second, "reopen", reason="It is ours.")
    page = press_undo(client, page)
    assert "Undone: 2" in page and f"{second}: Something was done with it since" in page
    assert 'action="/reports/desk/undo/"' not in page
    case = Case.objects.get(pk=first)
    assert (case.state, case.done_at, case.in_time, case.due_at) == ("new", None, None, before.due_at)
    assert set(Report.objects.values_list("state", flat=True)) == {"new", "accepted"}
    assert sum(number for _cell, number in heat.cells(9)) == 3
    # Nothing is erased: what was done and said stays, and what was told is followed by how it stands.
    types = Entry.objects.filter(subject=f"case:{first}").order_by("entry").values_list("type", flat=True)
    assert list(types)[-2:] == ["case.reject", "case.undone"]
    assert case.comments.get().text == "Not ours."
    told = Notification.objects.filter(person=maria).order_by("pk")
    assert [one.title for one in told][-1].startswith("The city took back") and "new again" in told[1].body


def test_a_merge_is_undone_with_whom_it_counted(city: Path) -> None:
    olga = officer_of("public-works")
    client = client_of(olga)
    whole, part, inner = (filed(source=source).report.pk for source in "abc")
    actions.support(ANONYMOUS, part, "x")
    actions.support(ANONYMOUS, whole, "y")
    actions.merge(olga, [inner], part)
    values = {"step": "merge", "report": [str(whole), str(part)]}
    page = client.post("/reports/desk/bulk/", values, follow=True).content.decode()
    assert Report.objects.get(pk=whole).supporters_count == 4
    actions.support(ANONYMOUS, whole, "z")
    assert "Undone: 1" in press_undo(client, page)
    assert set(Supporter.objects.filter(report=whole).values_list("source", flat=True)) == {"y", "z"}
    assert set(Supporter.objects.filter(report=part).values_list("source", flat=True)) == {"x", "c"}
    assert Report.objects.get(pk=whole).supporters_count == Report.objects.get(pk=part).supporters_count == 2
    case = Case.objects.get(pk=part)
    assert (case.state, case.merged_into, case.done_at) == ("new", None, None)
    assert Case.objects.get(pk=inner).merged_into_id == part
    assert "stands for itself again" in client.get(f"/reports/desk/{whole}/").content.decode()


def test_what_cannot_be_undone(city: Path) -> None:
    olga, otto = officer_of("public-works"), officer_of("public-works", "otto")
    first, second, third = (filed(source=source).report.pk for source in "abc")
    with pytest.raises(Conflict):
        actions.undo(olga, first, "transfer")
    cases.act(olga, first, "resolve")
    with pytest.raises(Conflict):
        actions.undo(otto, first, "resolve")
    with pytest.raises(Denied):
        actions.undo(officer_of("parks", "pia"), first, "resolve")
    with pytest.raises(Conflict, match="time to take it back"):
        undo.last_step(olga, first, "resolve", now=timezone.now() + timedelta(minutes=11))
    actions.undo(olga, first, "resolve")
    with pytest.raises(Conflict):
        actions.undo(olga, first, "resolve")
    actions.merge(olga, [third], second)
    actions.merge(olga, [second], first)
    with pytest.raises(Conflict, match="merged itself since"):
        actions.undo(olga, third, "merge")
    assert Case.objects.get(pk=third).merged_into_id == first


def test_one_step_and_an_assignment_are_undone_on_the_cases_page(city: Path) -> None:
    olga = officer_of("public-works")
    client, report = client_of(olga), filed().report.pk
    page = client.post(f"/reports/desk/{report}/assign/", {"officer": olga.id}, follow=True).content.decode()
    assert Case.objects.get(pk=report).assignee is not None
    assert "It was assigned." in press_undo(client, page)
    assert Case.objects.get(pk=report).assignee is None
    page = client.post(f"/reports/desk/{report}/step/", {"step": "start"}, follow=True).content.decode()
    assert "The last step was taken back." in press_undo(client, page)
    assert Case.objects.get(pk=report).state == "new"


def test_what_putting_rules_back_changes_is_shown_before(city: Path) -> None:
    rita = officer_of("", "rita", "reports.router")
    tree, lamp, words = {"category": "tree"}, {"category": "streetlight"}, {"words": "garden"}
    first = routing.save_rules(rita, [{**one, "agency": "parks"} for one in (tree, lamp, words)], "First").pk
    now = [{**words, "agency": "parks"}, {**tree, "agency": "public-works", "hours": "6"}, {"agency": "parks"}]
    second = routing.save_rules(rita, now, "Second").pk
    found = routing.differences(RuleSet.objects.get(pk=second).rules, RuleSet.objects.get(pk=first).rules)
    assert [(one.what, one.was_at, one.now_at) for one in found] == [
        ("removed", 3, None),
        ("changed", 2, 1),
        ("added", None, 2),
    ]
    swapped = [now[2], now[0], now[1]]
    assert [(one.what, one.was_at, one.now_at) for one in routing.differences(now, swapped)] == [("moved", 3, 1)]
    client, page = client_of(rita), "/reports/desk/rules/"
    assert 'value="roll_back"' not in client.get(page).content.decode()
    shown = client.get(f"{page}?version={first}").content.decode()
    assert "<del>Public Works</del> <ins>Parks and Gardens</ins>" in shown and "<del>6</del>" in shown
    back = {"do": "roll_back", "version": str(first), "instead_of": str(second)}
    third = routing.save_rules(rita, [], "Third").pk
    refused = client.post(page, back)
    assert refused.status_code == 409, "what was shown is not what would change"
    assert f'name="instead_of" value="{third}"' in refused.content.decode()
    assert client.post(page, {**back, "instead_of": str(third)}).status_code == 302
    assert RuleSet.objects.get(state="in_service").pk == first
