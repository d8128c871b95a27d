"""Denied unless given."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory

from cityhall.kernel import service
from cityhall.kernel.errors import Denied, Missing
from cityhall.kernel.people.actors import ANONYMOUS, Actor, actor_of, person_actor, system
from cityhall.kernel.people.models import Membership, Person
from cityhall.kernel.people.permissions import grant, may, permissions_of, require, revoke

pytestmark = pytest.mark.django_db
LOADER = system("load")


@dataclass
class Stop:
    zone: str

    def permission_scopes(self) -> list[str]:
        return [f"zone:{self.zone}"]


def test_nobody_may_anything_without_a_role(resident: Person) -> None:
    for actor in (ANONYMOUS, person_actor(resident), Actor("device", "bus-1"), Actor("person", "999999")):
        assert not may(actor, "trams.change_alert")
        with pytest.raises(Denied):
            require(actor, "trams.change_alert")
    assert may(LOADER, "trams.change_alert")


def test_a_role_for_the_city_permits_what_it_lists_and_no_more(resident: Person) -> None:
    grant(LOADER, resident, "trams.clerk")
    actor = person_actor(resident)
    assert may(actor, "trams.change_alert")
    assert may(actor, "trams.change_alert", Stop("centro"))
    assert not may(actor, "trams.stop_tram")
    revoke(LOADER, resident, "trams.clerk")
    assert not may(actor, "trams.change_alert")


def test_a_role_for_a_zone_permits_only_there(resident: Person) -> None:
    grant(LOADER, resident, "trams.controller", scope="zone:centro")
    actor = person_actor(resident)
    assert may(actor, "trams.stop_tram", Stop("centro"))
    assert may(actor, "trams.stop_tram", "zone:centro")
    assert not may(actor, "trams.stop_tram", Stop("norte"))
    assert not may(actor, "trams.stop_tram")
    assert not may(actor, "trams.stop_tram", object())
    assert permissions_of(resident) == {
        "trams.change_alert": ["zone:centro"],
        "trams.stop_tram": ["zone:centro"],
    }


def test_an_account_that_may_not_sign_in_may_nothing(resident: Person) -> None:
    grant(LOADER, resident, "trams.clerk")
    Person.objects.filter(pk=resident.pk).update(is_active=False, is_superuser=True)
    assert not may(person_actor(resident), "trams.change_alert")


def test_a_role_no_manifest_declares_permits_nothing(resident: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    grant(LOADER, resident, "trams.clerk")
    monkeypatch.setattr(service, "city_services", lambda: ())
    assert not may(person_actor(resident), "trams.change_alert")
    with pytest.raises(Missing, match=r"kernel\.administrator"):
        grant(LOADER, resident, "trams.clerk")


def test_only_administrators_give_roles(resident: Person) -> None:
    other = Person.objects.create_user("other@example.org")
    with pytest.raises(Denied):
        grant(person_actor(resident), resident, "kernel.administrator")
    grant(LOADER, resident, "kernel.administrator", scope="zone:centro")
    grant(person_actor(resident), other, "trams.clerk", scope="zone:centro")
    for scope in ("", "zone:norte"):
        with pytest.raises(Denied):
            grant(person_actor(resident), other, "trams.clerk", scope=scope)
    assert [(row.role, row.scope) for row in Membership.objects.filter(person=other)] == [
        ("trams.clerk", "zone:centro")
    ]


def test_an_actor_keeps_no_name_in_the_journal(resident: Person) -> None:
    request = RequestFactory().get("/")
    request.user = resident
    actor = actor_of(request)
    assert (str(actor), actor.name, actor.language) == (f"person:{resident.pk}", "Maria", "pt")
    request.user = AnonymousUser()
    assert actor_of(request).kind == "anonymous"
