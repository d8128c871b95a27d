"""Personal data is listed whole, can be taken along, and goes with the account."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from django.apps import apps
from django.db import models
from django.test import Client
from django.utils import translation

from cityhall.kernel.errors import CityhallError, Conflict, Denied
from cityhall.kernel.notify.models import Notification, PushSubscription
from cityhall.kernel.people import consents, households
from cityhall.kernel.people.actors import ANONYMOUS, person_actor, system
from cityhall.kernel.people.models import Consent, Household, Person
from cityhall.kernel.people.privacy import declared_data, erase, erasing, names_of
from tests.pages import main_of

pytestmark = pytest.mark.django_db


def listed() -> set[str]:
    """Every "app.Model.field" that a room or a service declares."""
    return {f"{model._meta.label}.{name}" for model, fields in declared_data().items() for name in fields}


def test_every_field_that_points_at_a_person_is_listed() -> None:
    """A new model that says something of a person must say why it does."""
    known, missing = listed(), []
    for config in apps.get_app_configs():
        if not config.name.startswith("cityhall.kernel."):
            continue
        for model in config.get_models():
            for field in model._meta.get_fields():
                told = isinstance(field, models.ForeignKey) and field.related_model is Person
                if (told or isinstance(field, models.EmailField)) and f"{model._meta.label}.{field.name}" not in known:
                    missing.append(f"{model._meta.label}.{field.name}")
    assert not missing


def test_what_is_listed_is_there_and_says_why() -> None:
    assert "people.Person.email" in listed()
    assert all(str(why) for fields in declared_data().values() for why in fields.values())


def test_what_is_listed_is_named_in_the_readers_language() -> None:
    """In Korean no name is without a Korean letter, unless nobody has translated it."""
    with translation.override("ko"):
        names = [str(name) for model, fields in declared_data().items() for name in names_of(model, list(fields))]
    assert len(names) > 40
    assert [name for name in names if not re.search("[가-힣]", name)] == []


def test_the_page_shows_what_is_kept_of_me_and_nothing_of_what_is_not(
    resident: Person, signed_in: Callable[[Person], Client]
) -> None:
    other = Person.objects.create_user("other@example.org", name="Somebody else")
    for person in (resident, other):
        consents.give_consent(person_actor(person), f"share.{person.name}")
    page = main_of(signed_in(resident).get("/accounts/me/data/", headers={"Accept-Language": "es"}))
    assert page.count("<details") == 1, "one room of the city keeps something of her"
    assert "<summary>Cuentas</summary>" in page and "maria@example.org" in page and "share.Maria" in page
    assert "Somebody else" not in page and "other@example.org" not in page
    assert "Domicilio" not in page and "Miembro del hogar" not in page, "she is in no household"
    assert resident.password not in page
    Notification.objects.create(person=resident, title="Hello Maria", language="en")
    with_more = main_of(signed_in(resident).get("/accounts/me/data/", headers={"Accept-Language": "es"}))
    assert with_more.count("<details") == 2 and "Hello Maria" in with_more


def test_export_holds_all_of_me_and_nothing_of_others(resident: Person, signed_in: Callable[[Person], Client]) -> None:
    other = Person.objects.create_user("other@example.org", name="Somebody else")
    for person in (resident, other):
        consents.give_consent(person_actor(person), f"share.{person.name}")
        Notification.objects.create(person=person, title=f"Hello {person.name}", language="en")
    answer = signed_in(resident).get("/api/people/me/export")
    text = answer.content.decode()
    assert "Maria" in text and "share.Maria" in text and "Hello Maria" in text
    assert "Somebody else" not in text and "other@example.org" not in text
    assert resident.password not in text
    assert "attachment" in answer["Content-Disposition"]
    assert json.loads(text)["people.Person"]["rows"][0]["email"] == "maria@example.org"
    assert Client().get("/api/people/me/export").status_code == 401


def test_an_erased_account_leaves_nothing(resident: Person) -> None:
    actor = person_actor(resident)
    consents.give_consent(actor, "share.position")
    households.make_household(actor, "Rua da Praia 1")
    Notification.objects.create(person=resident, title="Hello", language="en")
    PushSubscription.objects.create(person=resident, endpoint="https://push.example.org/1")
    pk, told = resident.pk, []
    erasing.connect(lambda person, **_: told.append(person.pk), weak=False, dispatch_uid="test")
    try:
        erase(actor, resident)
    finally:
        erasing.disconnect(dispatch_uid="test")
    assert told == [pk]
    for model in declared_data():
        assert model._default_manager.count() == 0, model
    assert Household.objects.count() == 0


def test_only_the_person_or_an_administrator_erases(resident: Person) -> None:
    for actor in (ANONYMOUS, person_actor(Person.objects.create_user("other@example.org"))):
        with pytest.raises(Denied):
            erase(actor, resident)
    erase(system("request by letter"), resident)


def test_the_last_superuser_stays() -> None:
    root = Person.objects.create_superuser("root@example.org")
    with pytest.raises(Conflict):
        erase(person_actor(root), root)
    Person.objects.create_superuser("other@example.org")
    erase(person_actor(root), root)
    assert not Person.objects.filter(email="root@example.org").exists()


def test_consent_is_kept_as_a_record(resident: Person) -> None:
    actor = person_actor(resident)
    assert not consents.has_consent(resident.pk, "share.position")
    first = consents.give_consent(actor, "share.position")
    assert consents.give_consent(actor, "share.position").pk == first.pk
    consents.withdraw_consent(actor, "share.position")
    assert not consents.has_consent(resident.pk, "share.position")
    consents.give_consent(actor, "share.position")
    assert consents.has_consent(resident.pk, "share.position")
    assert [row.withdrawn_at is None for row in Consent.objects.order_by("pk")] == [False, True]
    with pytest.raises(Denied):
        consents.give_consent(ANONYMOUS, "share.position")


def test_households_are_joined_by_invitation(resident: Person) -> None:
    # The link's page is the lead's to mount below accounts/.
    joao = Person.objects.create_user("joao@example.org", name="João")
    home = households.make_household(person_actor(resident), "Home")
    token = households.invite(person_actor(resident), "Joao@example.org")
    assert households.accept(person_actor(joao), token) == home
    for problem in (
        lambda: households.accept(person_actor(joao), token),
        lambda: households.invitation("1:x:y"),
    ):
        with pytest.raises(CityhallError, match="not valid any more"):
            problem()
    with pytest.raises(Conflict):
        households.make_household(person_actor(joao), "Another")
    households.leave(person_actor(resident))
    assert [member.person for member in home.members.all()] == [joao]
    households.leave(person_actor(joao))
    assert Household.objects.count() == 0
