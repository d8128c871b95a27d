"""A person's own data: every field that holds some, all of it to take along, and its erasure.

Services declare theirs in the manifest (`personal_data`), the kernel's are here, and a test holds the list complete.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.apps import apps
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models, transaction
from django.dispatch import Signal
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.errors import Conflict, Denied
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.households import place_of, vacate
from cityhall.kernel.people.models import Person
from cityhall.kernel.people.permissions import may
from cityhall.kernel.service import city_services

Text = str | Promise


def _kept(why: Text, until: Text) -> Promise:
    """Why a field is kept and until when, in the reader's language."""
    return format_lazy("{}; {}", why, until)


_ACCOUNT = _("until the account is erased")
_HOUSEHOLD = _kept(_("to act for one another"), _("until they leave the household"))
_TOLD = _kept(_("to tell the person"), _("until 180 days after it was read"))
_BROWSER = _kept(_("to reach the person's browser"), _("until it unsubscribes"))
_WORK = _kept(_("to let officers do their work"), _ACCOUNT)
_AGREED = _kept(_("to prove what was agreed to"), _ACCOUNT)
_CHANNELS = _kept(_("to use the wanted channels only"), _ACCOUNT)
_UPLOADED = _kept(_("to let the person see and delete what they uploaded"), _ACCOUNT)
_ADDRESSES = _kept(_("to sign in with any of their addresses"), _ACCOUNT)
_PROVIDER = _kept(_("to sign in with the city's identity provider"), _ACCOUNT)
_SAID = _kept(_("to know who said what to whom"), _ACCOUNT)
_SECOND = _kept(_("to sign in with a passkey or a code"), _ACCOUNT)
PERSONAL_DATA: dict[str, Text] = {
    "people.Person.email": _kept(_("to sign in and to be written to"), _ACCOUNT),
    "people.Person.name": _kept(_("to be addressed by, given freely"), _ACCOUNT),
    "people.Person.language": _kept(_("to be written to in it"), _ACCOUNT),
    "people.Person.last_login": _kept(_("to see a stranger's sign-in"), _ACCOUNT),
    "people.Person.joined_at": _kept(_("to tell old accounts from new ones"), _ACCOUNT),
    "people.Membership.person": _WORK,
    "people.Membership.role": _WORK,
    "people.Membership.scope": _WORK,
    "people.Consent.person": _AGREED,
    "people.Consent.purpose": _AGREED,
    "people.Consent.given_at": _AGREED,
    "people.Consent.withdrawn_at": _AGREED,
    "people.HouseholdMember.person": _HOUSEHOLD,
    "people.HouseholdMember.email": _kept(_("to send the invitation to"), _("until they leave or it is withdrawn")),
    "people.HouseholdMember.joined_at": _HOUSEHOLD,
    "notify.Notification.person": _TOLD,
    "notify.Notification.title": _TOLD,
    "notify.Notification.body": _TOLD,
    "notify.Notification.sent_at": _TOLD,
    "notify.Notification.read_at": _TOLD,
    "notify.PushSubscription.person": _BROWSER,
    "notify.PushSubscription.endpoint": _BROWSER,
    "notify.Preference.person": _CHANNELS,
    "notify.Preference.email": _CHANNELS,
    "notify.Preference.push": _CHANNELS,
    "media.Media.owner": _UPLOADED,
    "media.Media.purpose": _UPLOADED,
    "media.Media.stored_at": _UPLOADED,
    "cases.Case.assignee": _WORK,
    "cases.Comment.author": _SAID,
    "cases.Comment.text": _SAID,
    "account.EmailAddress.user": _ADDRESSES,
    "account.EmailAddress.email": _ADDRESSES,
    "socialaccount.SocialAccount.user": _PROVIDER,
    "socialaccount.SocialAccount.provider": _PROVIDER,
    "socialaccount.SocialAccount.uid": _PROVIDER,
    "mfa.Authenticator.user": _SECOND,
    "mfa.Authenticator.type": _SECOND,
    "mfa.Authenticator.created_at": _SECOND,
}
"""Every field of the kernel that holds personal data, `"app.Model.field": what for; until when`."""

erasing = Signal()
"""Sent as (person=...) in the transaction that erases an account, before it goes: what is not tied to it by a
foreign key is the receiver's to erase."""


def declared_data() -> dict[type[models.Model], dict[str, Text]]:
    """Every model with personal data, its fields and why each is kept: the kernel's and the enabled services'.

    Raises LookupError where a manifest names a model or field there is not.
    """
    named: dict[str, Text] = dict(PERSONAL_DATA)
    for service in city_services():
        label = apps.get_app_config(service.app.rpartition(".")[2]).label if service.personal_data else ""
        for name, reason in service.personal_data.items():
            named[name if name.count(".") == 2 else f"{label}.{name}"] = reason
    found: dict[type[models.Model], dict[str, Text]] = {}
    for name, why in named.items():
        model = apps.get_model(name.rpartition(".")[0])
        model._meta.get_field(name.rpartition(".")[2])
        found.setdefault(model, {})[name.rpartition(".")[2]] = why
    return found


def person_field(model: type[models.Model]) -> str | None:
    """The name of the field that ties a model to a person; None where there is none."""
    if model is Person:
        return "pk"
    for field in model._meta.get_fields():
        if isinstance(field, models.ForeignKey) and field.related_model is Person:
            return field.name
    return None


def _rows(model: type[models.Model], person: Person, fields: Iterable[str]) -> list[dict[str, Any]]:
    tie = person_field(model)
    if tie is None:
        return []
    rows = model._default_manager.filter(**{tie: person.pk}).order_by("pk")
    return [{key: value for key, value in row.items() if key != tie} for row in rows.values(*fields)]


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
    place = place_of(person)
    if place is not None:
        vacate(place)
    append("people", "person.erased", {}, subject=f"person:{person.pk}", actor=str(actor))
    person.delete()


def _runs_the_city(actor: Actor) -> bool:
    if actor.person_id is None:
        return actor.kind == "system"
    return Person.objects.filter(pk=actor.person_id, is_superuser=True, is_active=True).exists()


def _others(person: Person) -> bool:
    # Locked, so that two superusers erasing themselves at once do not leave the city without one.
    found = Person.objects.select_for_update().filter(is_superuser=True, is_active=True)
    return any(pk != person.pk for pk in found.order_by("pk").values_list("pk", flat=True))
