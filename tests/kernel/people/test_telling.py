"""Whoever is given a role, or loses one, is told: once, in their language, by the journal's follower."""

from __future__ import annotations

import pytest

from cityhall.kernel.journal.followers import follow, followers
from cityhall.kernel.journal.sealer import seal_all
from cityhall.kernel.notify.models import Notification
from cityhall.kernel.people.actors import system
from cityhall.kernel.people.models import Person
from cityhall.kernel.people.permissions import grant, revoke

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_role_is_told_when_it_is_given_and_when_it_ends() -> None:
    (follower,) = [one for one in followers() if one.name == "people.roles"]
    person = Person.objects.create_user("carla@example.org", name="Carla", language="pt")
    gone = Person.objects.create_user("gone@example.org", name="Gone")
    grant(system("test"), person, "trams.controller")
    grant(system("test"), gone, "trams.controller")
    gone.delete()
    seal_all()
    for _again in range(2):
        follow(follower)
    told = Notification.objects.get()
    assert told.person == person and told.url == "/work/" and "Controller" in told.title and told.title != "You"
    assert told.language == "pt"
    revoke(system("test"), person, "trams.controller")
    seal_all()
    follow(follower)
    assert Notification.objects.count() == 2
