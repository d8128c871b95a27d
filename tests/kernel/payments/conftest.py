"""A city that pays by the sandbox, whose messages nobody sends but the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from cityhall.kernel.ledger import queries
from cityhall.kernel.payments import checks
from cityhall.kernel.payments.bills import BillLine, make_bill
from cityhall.kernel.payments.models import Bill
from cityhall.kernel.people.actors import Actor, person_actor
from cityhall.kernel.people.models import Membership, Person


@pytest.fixture(autouse=True)
def sandbox_city(settings: Any) -> None:
    options = {**settings.CITY.options, "payments": {"providers": ["sandbox"], "sandbox_trouble": False}}
    settings.CITY = replace(settings.CITY, options=options)


@pytest.fixture
def payer(db: None) -> Person:
    return Person.objects.create_user("paula@example.org", "a long password", name="Paula")


def officer(name: str) -> Actor:
    person = Person.objects.create_user(f"{name}@example.org", "a long password", name=name)
    Membership.objects.create(person=person, role="treasury.treasurer", scope="")
    return person_actor(person)


@pytest.fixture
def bill(payer: Person) -> Bill:
    return bill_of(payer, 10_000)


def bill_of(payer: Person | None, amount: int, **more: Any) -> Bill:
    due = timezone.localdate() + timedelta(days=14)
    values: dict[str, Any] = {"service": "testing", "title": "City map", "unit": "BRL", "about": "order:1"}
    return make_bill(uuid4(), payer, [BillLine("City map", amount)], due, **values | more)


@pytest.fixture
def right(db: None) -> Iterator[Callable[[], None]]:
    """To be called: the books are right, and say what the bills say. They are once more at the end."""

    def look() -> None:
        assert queries.faults() == []
        assert checks.differences() == []

    yield look
    look()
