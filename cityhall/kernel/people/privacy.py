"""A person's own data: every field that holds some, all of it to take along, and its erasure.

Each room and service declares its own (`PersonalData`), and a test holds the list complete.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models, transaction
from django.dispatch import Signal
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.errors import Conflict, Denied
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.declares import PersonalData
from cityhall.kernel.people.households import place_of, vacate
from cityhall.kernel.people.models import Person
from cityhall.kernel.people.permissions import may
from cityhall.kernel.service import Service, Text, declared

erasing = Signal()
"""Sent as (person=...) in the transaction that erases an account, before it goes: what is not tied to it by a
foreign key is the receiver's to erase."""


def declared_data() -> dict[type[models.Model], dict[str, Text]]:
    """Every model with personal data, its fields and why each is kept, as the rooms and the enabled services say.

    Raises LookupError where a manifest names a model or field there is not.
    """
    found: dict[type[models.Model], dict[str, Text]] = {}
    for owner, item in declared(PersonalData):
        for model, fields in models_of(owner, item).items():
            found.setdefault(model, {}).update(fields)
    return found


def models_of(owner: Service, item: PersonalData) -> dict[type[models.Model], dict[str, Text]]:
    """The models of one declaration, their fields and why each is kept. Raises LookupError as `declared_data` does."""
    found: dict[type[models.Model], dict[str, Text]] = {}
    for name, why in item.fields.items():
        whole = name if name.count(".") == 2 else f"{_label(owner)}.{name}"
        model = apps.get_model(whole.rpartition(".")[0])
        model._meta.get_field(whole.rpartition(".")[2])
        found.setdefault(model, {})[whole.rpartition(".")[2]] = why
    return found


def _label(owner: Service) -> str:
    return apps.get_app_config(owner.app.rpartition(".")[2]).label


def names_of(model: type[models.Model], fields: Iterable[str]) -> list[Text]:
    """What a model and then some of its fields are called, in words for people."""
    said: dict[str, Text] = {}
    for owner, item in declared(PersonalData):
        # A model of another application begins with that one's label, in small letters.
        said |= {name if name[0].islower() else f"{_label(owner)}.{name}": text for name, text in item.names.items()}
    label = model._meta.label
    own = [getattr(model._meta.get_field(name), "verbose_name", name) for name in fields]
    named = [said.get(f"{label}.{name}", known) for name, known in zip(fields, own, strict=True)]
    return [said.get(label) or model._meta.verbose_name or label, *named]


def person_field(model: type[models.Model]) -> str | None:
    """The name of the field that ties a model to a person; None where there is none."""
    if model is Person:
        return "pk"
    for field in model._meta.get_fields():
        if isinstance(field, models.ForeignKey) and field.related_model is Person:
            return field.name
    return None


def _ties(model: type[models.Model]) -> tuple[str, ...]:
    """The lookups by which rows of a model are a person's: what is declared for it, else its own field."""
    for owner, item in declared(PersonalData):
        for name, ties in item.ties.items():
            if f"{_label(owner)}.{name}" == model._meta.label:
                return ties
    own = person_field(model)
    return (own,) if own is not None else ()


def own_rows(model: type[models.Model], person: Person) -> tuple[models.QuerySet[Any], tuple[str, ...]] | None:
    """A person's rows of a model, and the lookups that tie them to it; None where nothing does."""
    ties = _ties(model)
    if not ties:
        return None
    mine = models.Q()
    for one in ties:
        mine |= models.Q(**{one: person.pk})
    # By number: a row that two lookups lead to is there once.
    return model._default_manager.filter(pk__in=model._default_manager.filter(mine).values("pk")), ties


def _rows(model: type[models.Model], person: Person, fields: Iterable[str]) -> list[dict[str, Any]]:
    found = own_rows(model, person)
    if found is None:
        return []
    rows, ties = found
    return [
        {key: value for key, value in row.items() if key not in ties} for row in rows.order_by("pk").values(*fields)
    ]


def _plain(value: Any) -> Any:
    """A column's value as JSON has it; what JSON has no form for, as text."""
    if isinstance(value, str | int | float | dict | list | None):
        return value
    try:
        return DjangoJSONEncoder().default(value)
    except TypeError:
        return str(value)


def export(person: Person) -> dict[str, Any]:
    """All that is kept of a person: by "app.Model" the reasons by field and the rows, as JSON values."""
    data: dict[str, Any] = {}
    for model, fields in declared_data().items():
        rows = [{key: _plain(value) for key, value in row.items()} for row in _rows(model, person, fields)]
        data[model._meta.label] = {"why": {name: str(why) for name, why in fields.items()}, "rows": rows}
    return data


@transaction.atomic
def erase(actor: Actor, person: Person) -> None:
    """Erases an account with all that hangs on it. The journal keeps that "person:12" did things, but not who it was.

    Raises Denied for anyone but the person and administrators (for a superuser: other superusers), Conflict for the
    last superuser.
    """
    from cityhall.kernel.journal import append

    if actor.person_id != person.pk and not may(actor, "people.grant_role"):
        raise Denied(_("Only the person can erase this account."), code="denied")
    if person.is_superuser and actor.person_id != person.pk and not _runs_the_city(actor):
        raise Denied(_("Only who runs the city can erase this account."), code="denied")
    if person.is_superuser and not _others(person):
        raise Conflict(
            _("This is the only account that runs the city."),
            code="last_superuser",
            mend=_("Give another person that right first."),
        )
    erasing.send(sender=Person, person=person)
    _erase_from_staff_log(person)
    place = place_of(person)
    if place is not None:
        vacate(place)
    append("people", "person.erased", {}, subject=f"person:{person.pk}", actor=str(actor))
    person.delete()


def _erase_from_staff_log(person: Person) -> None:
    """The log of the staff screens calls what was changed by its name at the time, also once that is gone."""
    for model in declared_data():
        tie = person_field(model)
        if tie is None:
            continue
        numbers = [str(pk) for pk in model._default_manager.filter(**{tie: person.pk}).values_list("pk", flat=True)]
        kind = ContentType.objects.get_for_model(model)
        LogEntry.objects.filter(content_type=kind, object_id__in=numbers).update(object_repr="", change_message="")


def _runs_the_city(actor: Actor) -> bool:
    if actor.person_id is None:
        return actor.kind == "system"
    return Person.objects.filter(pk=actor.person_id, is_superuser=True, is_active=True).exists()


def _others(person: Person) -> bool:
    # Locked, so that two superusers erasing themselves at once do not leave the city without one.
    found = Person.objects.select_for_update().filter(is_superuser=True, is_active=True)
    return any(pk != person.pk for pk in found.order_by("pk").values_list("pk", flat=True))
