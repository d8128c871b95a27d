"""A guardian is who reads the mailbox, not who signed up first with its address."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client
from django.utils import timezone

from cityhall.kernel.deadlines import taker
from cityhall.kernel.deadlines.models import Deadline
from cityhall.kernel.errors import TooMany
from cityhall.kernel.people.actors import person_actor
from cityhall.kernel.people.models import Person
from cityhall.services.transit.models import Guardian, Pupil
from cityhall.services.transit.riders import school
from tests.jobs import run_job
from tests.services.transit.riders.test_school import NAME, officer, on_the_road, pupil, rui  # noqa: F401

pytestmark = pytest.mark.attack
SignIn = Callable[[Person], Client]
EMAIL = "mother@example.org"


@pytest.fixture
def thief(db: None) -> Person:
    """Somebody who signed up with the mother's address before her, and never confirmed it."""
    person = Person.objects.create_user(EMAIL, "a password of theirs")
    EmailAddress.objects.create(user=person, email=EMAIL, primary=True, verified=False)
    return person


def invite(officer: Person, pupil: Pupil) -> str:  # noqa: F811
    """Links the address as the officer's page does, runs the job as the worker does; gives the letter's address."""
    browser = Client()
    browser.force_login(officer)
    form = {"what": "guardian", "pupil": pupil.pk, "email": EMAIL}
    assert browser.post("/transit/school/office/change/", form).status_code == 302
    assert EMAIL in browser.get("/transit/school/office/").content.decode()
    job = next(one for one in reversed(_jobs()) if one["task_name"] == "transit.invite_guardian")
    run_job("transit.invite_guardian", job["args"])
    assert EMAIL not in str(job), "jobs are kept, addresses not"
    letter = mail.outbox[-1]
    assert letter.to == [EMAIL] and pupil.reference not in str(letter.body)
    return re.findall(r"http://[^/]+(/transit/school/\S+)", str(letter.body))[0]


def _jobs() -> list[dict[str, Any]]:
    from procrastinate.contrib.django.models import ProcrastinateJob

    return list(ProcrastinateJob.objects.order_by("pk").values("task_name", "args"))


def test_whoever_claimed_the_address_first_sees_nothing(
    on_the_road: datetime,  # noqa: F811
    pupil: Pupil,  # noqa: F811
    officer: Person,  # noqa: F811
    thief: Person,
    signed_in: SignIn,
) -> None:
    invite(officer, pupil)
    browser = signed_in(thief)
    assert browser.post("/transit/school/consent/", {"agree": "1"}).status_code == 403
    assert browser.get(f"/transit/school/{pupil.pk}/").status_code == 404
    assert browser.get(f"/api/transit/school/{pupil.pk}").status_code == 404
    assert pupil.reference not in browser.get("/transit/school/").content.decode()


def test_the_letter_makes_its_reader_the_guardian(
    on_the_road: datetime,  # noqa: F811
    pupil: Pupil,  # noqa: F811
    officer: Person,  # noqa: F811
    rui: Person,  # noqa: F811
    signed_in: SignIn,
) -> None:
    """She may accept with an account of another address: that she reads the letter is what counts."""
    where = invite(officer, pupil)
    assert Client().get(where).status_code == 302, "first one signs in"
    browser = signed_in(rui)
    assert pupil.reference in browser.get(where).content.decode()
    assert browser.post(where).headers["Location"] == "/transit/school/"
    link = Guardian.objects.get()
    assert (link.person_id, link.email) == (rui.pk, "")
    browser.post("/transit/school/consent/", {"agree": "1"})
    assert browser.get(f"/transit/school/{pupil.pk}/").status_code == 200
    assert browser.get(where).status_code == browser.post(where).status_code == 404, "it is good once"
    assert not Deadline.objects.filter(kind=school.OVER).exists()


@pytest.mark.parametrize("how", ["taken back", "over", "forged"])
def test_an_invitation_ends(how: str, pupil: Pupil, officer: Person, rui: Person, signed_in: SignIn) -> None:  # noqa: F811
    where = invite(officer, pupil)
    if how == "taken back":
        school.unlink_guardian(person_actor(officer), Guardian.objects.get().pk)
    elif how == "over":
        taker.take_due(timezone.now() + timedelta(days=15))
        assert not Guardian.objects.exists(), "the address is forgotten"
    else:
        where = where.rstrip("/")[:-3] + "AAA/"
    assert signed_in(rui).post(where).status_code == 404
    assert not Guardian.objects.filter(person=rui).exists()


def test_nobody_is_flooded_with_letters(pupil: Pupil, officer: Person) -> None:  # noqa: F811
    with pytest.raises(TooMany):
        for _ in range(10):
            school.link_guardian(person_actor(officer), pupil.pk, EMAIL)
    assert Guardian.objects.count() == 1
