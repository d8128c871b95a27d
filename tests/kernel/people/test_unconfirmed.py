"""An address that somebody typed and whose mailbox never answered is not kept for ever."""

from __future__ import annotations

from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.utils import timezone

from cityhall.kernel.people.actors import system
from cityhall.kernel.people.models import Person
from cityhall.kernel.people.permissions import grant
from cityhall.kernel.people.tasks import UNCONFIRMED_DAYS, forget_unconfirmed

pytestmark = [pytest.mark.attack, pytest.mark.django_db]


def account(name: str, *, days: int = UNCONFIRMED_DAYS + 1, confirmed: bool = False, came: bool = False) -> Person:
    made = Person.objects.create_user(f"{name}@example.org", "a long password")
    EmailAddress.objects.create(user=made, email=made.email, primary=True, verified=confirmed)
    now = timezone.now()
    Person.objects.filter(pk=made.pk).update(joined_at=now - timedelta(days=days), last_login=now if came else None)
    return made


def test_only_who_never_came_is_forgotten() -> None:
    account("claimed")
    account("fresh", days=UNCONFIRMED_DAYS - 1)
    account("confirmed", confirmed=True)
    account("came", came=True)
    grant(system("test"), account("officer"), "kernel.administrator")
    # Entered by the command line, before any sign-up.
    Person.objects.create_user("entered@example.org", "a long password")
    Person.objects.filter(email="entered@example.org").update(joined_at=timezone.now() - timedelta(days=99))
    forget_unconfirmed()
    left = set(Person.objects.values_list("email", flat=True))
    assert left == {f"{name}@example.org" for name in ("fresh", "confirmed", "came", "officer", "entered")}
    assert not EmailAddress.objects.filter(email="claimed@example.org").exists()
