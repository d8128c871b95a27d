"""A great thing at the demo's control desk: called about, declared, attached, taken out, noted, stood down."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from allauth.account.models import EmailAddress
from django.test import Client

from cityhall.kernel.people.models import Membership, Person
from cityhall.kernel.people.permissions import may
from cityhall.services.safety.actions import ANSWER, SUPERVISE
from cityhall.services.safety.models import Alert, Attached, Incident, IncidentLine
from cityhall.services.safety.workflow import State
from cityhall.simulator import great
from cityhall.simulator.visits import Visit
from tests.services.safety.conftest import at_desk, city

__all__ = ["city"]
PASSWORD, LEAD = "a long enough one 7", "lead@example.org"
PLACE = (-51.2, -30.03)


class ByDjango(httpx.BaseTransport):
    """The city's own pages, without a server between."""

    def __init__(self) -> None:
        self.browser = Client()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        told = {"content_type": request.headers.get("Content-Type", "text/plain")}
        path = request.url.raw_path.decode()
        answer = self.browser.generic(request.method, path, request.read(), **told)
        return httpx.Response(answer.status_code, headers=dict(answer.items()), content=answer.content)


def browser(_home: int = 0) -> httpx.Client:
    return httpx.Client(base_url="http://testserver", transport=ByDjango())


def operator() -> Visit:
    actor = at_desk("ana")
    visit = Visit(browser())
    transport: Any = visit.client._transport
    transport.browser.force_login(Person.objects.get(pk=actor.person_id or 0))
    return visit


@pytest.fixture
def scene(city: Any) -> great.Great:
    lead = Person.objects.create_user(LEAD, PASSWORD, name="Lead")
    EmailAddress.objects.create(user=lead, email=LEAD, primary=True, verified=True)
    Membership.objects.create(person=lead, role="safety.supervisor")
    return great.Great(browser, LEAD, PASSWORD, seed=4, speed=1.0, first_home=0, now=0.0)


def go(scene: great.Great, by: Visit, *moments: float) -> None:
    for now in moments:
        waiting = set(Alert.objects.exclude(state=State.CLOSED).values_list("pk", flat=True))
        scene.step(by, [PLACE], waiting, now)


def test_many_calls_become_one_incident_that_ends(scene: great.Great) -> None:
    by, began = operator(), great.FIRST_S
    go(scene, by, began - 1)
    assert not Alert.objects.exists()
    go(scene, by, began, began + 10, began + 21)
    kinds = list(Alert.objects.order_by("pk").values_list("kind", flat=True))
    assert kinds == [kind for _after, kind in great.CALLS] and not Incident.objects.exists()
    go(scene, by, began + great.DECLARED_S)
    incident = Incident.objects.get()
    assert incident.name in great.NAMES and Attached.objects.filter(incident=incident).count() == len(great.CALLS)
    go(scene, by, began + great.TAKEN_OUT_S, began + great.NOTED_S)
    wrong = Alert.objects.order_by("pk")[great.OTHER]
    assert not Attached.objects.filter(alert=wrong).exists()
    assert IncidentLine.objects.filter(incident=incident, what="note", text=great.NOTE).count() == 1
    go(scene, by, began + great.DOWN_S, began + great.DOWN_S + 1)
    incident.refresh_from_db()
    assert incident.ended_at is not None and scene.scene is None
    assert IncidentLine.objects.filter(incident=incident, what="stand_down").count() == 1
    # Each call of it is still its own, to be closed by how it ended.
    assert Alert.objects.filter(state=State.WAITING).count() == len(great.CALLS)


def test_what_is_closed_by_then_is_left_out_and_nothing_is_declared_of_nothing(scene: great.Great) -> None:
    by, began = operator(), great.FIRST_S
    go(scene, by, began + 0.0, began + 21)
    first = Alert.objects.order_by("pk")[0]
    Alert.objects.filter(pk=first.pk).update(state=State.CLOSED)
    go(scene, by, began + great.DECLARED_S)
    assert Attached.objects.count() == len(great.CALLS) - 1
    assert not Attached.objects.filter(alert=first).exists()


def test_the_one_who_declares_is_a_supervisor_and_the_other_is_none(scene: great.Great) -> None:
    from cityhall.kernel.people.actors import person_actor

    assert may(person_actor(Person.objects.get(email=LEAD)), SUPERVISE)
    actor = at_desk("bia")
    assert may(actor, ANSWER) and not may(actor, SUPERVISE)
