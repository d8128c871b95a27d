"""Whose points they are: a household's together, a person's in none, a building's with those who act for it."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.errors import Conflict, Denied, Invalid, Missing
from cityhall.kernel.journal import append
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.households import place_of
from cityhall.kernel.people.models import HouseholdMember, Person
from cityhall.kernel.people.permissions import require
from cityhall.services.recycling.models import Account, Holder

OFFICER = "recycling.change_accounts"
LONGEST_NAME = 150
"""Characters of a building's name."""


def person_of(actor: Actor) -> Person:
    """Whoever asks. Raises Denied where nobody is signed in."""
    found = Person.objects.filter(pk=actor.person_id, is_active=True).first() if actor.person_id is not None else None
    if found is None:
        raise Denied(_("Sign in first."), code="denied")
    return found


def held_by(person: Person) -> list[Account]:
    """The accounts that somebody acts for: their own or their household's first, then buildings."""
    own = list(Account.objects.filter(holders__person=person).order_by("pk"))
    place = place_of(person)
    if place is not None:
        own = list(Account.objects.filter(household=place.household_id)) + own
    return sorted(own, key=lambda one: one.kind == Account.Kind.BUILDING)


@transaction.atomic
def account_of(actor: Actor) -> Account:
    """The actor's own account, opened where there is none yet.

    Who had one before they joined a household keeps it; who had none shares the household's. Raises Denied.
    """
    person = Person.objects.select_for_update().get(pk=person_of(actor).pk)
    known = [one for one in held_by(person) if one.kind != Account.Kind.BUILDING]
    if known:
        # Points of one's own go before the household's that was joined later.
        return next((one for one in known if one.kind == Account.Kind.PERSON), known[0])
    place = place_of(person)
    now = timezone.now()
    if place is not None:
        account, made = Account.objects.get_or_create(
            household_id=place.household_id, defaults={"kind": Account.Kind.HOUSEHOLD, "opened_at": now}
        )
    else:
        account, made = Account.objects.create(kind=Account.Kind.PERSON, opened_at=now), True
        Holder.objects.create(account=account, person=person, since=now)
    if made:
        _opened(account, actor)
    return account


def find(actor: Actor, number: int | None) -> Account:
    """The account of that number that the actor acts for; their own for None. Raises Denied, Missing."""
    if number is None:
        return account_of(actor)
    found = next((one for one in held_by(person_of(actor)) if one.pk == number), None)
    if found is None:
        raise Missing(_("There is no such account of points."), code="no_such_account")
    return found


def holds(actor: Actor, account: Account) -> bool:
    """Whether the actor acts for an account."""
    if actor.person_id is None:
        return False
    if account.holders.filter(person=actor.person_id).exists():
        return True
    members = HouseholdMember.objects.filter(person=actor.person_id, household=account.household_id)
    return account.household_id is not None and members.exists()


def people_of(account: Account) -> list[Person]:
    """Who acts for an account, the longest first."""
    found = [one.person for one in account.holders.select_related("person").order_by("pk")]
    if account.household_id is not None:
        members = HouseholdMember.objects.filter(household=account.household_id, person__isnull=False)
        found += [one.person for one in members.select_related("person").order_by("joined_at") if one.person]
    return [one for one in found if one.is_active]


@transaction.atomic
def open_building(actor: Actor, name: str, email: str) -> Account:
    """A building's account, for which the account of that address acts.

    One that an import opened, and for which nobody acts yet, is theirs from now on. Raises Denied, Invalid, Missing,
    Conflict.
    """
    require(actor, OFFICER)
    if not name.strip():
        raise Invalid(_("Say which building."), code="no_name", field="name")
    person = Person.objects.filter(email=email.strip().lower(), is_active=True).first()
    if person is None:
        raise Missing(
            _("Nobody has an account with this address."),
            code="no_such_person",
            field="email",
            mend=_("Ask them to make an account of the city first."),
        )
    named = name.strip()[:LONGEST_NAME]
    known = Account.objects.select_for_update().filter(kind=Account.Kind.BUILDING, name=named).first()
    if known is not None and known.holders.exists():
        raise Conflict(_("This building has an account already."), code="known", field="name")
    if known is not None and person.pk == actor.person_id:
        # There may be points on it.
        raise Denied(_("This would be yours."), code="own", mend=_("Another officer has to give it to you."))
    account = known or building(actor, named)
    Holder.objects.create(account=account, person=person, since=timezone.now())
    told = {"person": person.pk}
    append("recycling", "account.held", told, subject=f"account:{account.pk}", actor=str(actor))
    return account


def building(actor: Actor, name: str) -> Account:
    """A new account of a building, for which nobody acts yet; in the caller's transaction."""
    account = Account.objects.create(kind=Account.Kind.BUILDING, name=name, opened_at=timezone.now())
    _opened(account, actor)
    return account


def _opened(account: Account, actor: Actor) -> None:
    append("recycling", "account.opened", {"kind": account.kind}, subject=f"account:{account.pk}", actor=str(actor))


def locked(number: int) -> Account:
    """The account, locked until the transaction ends: what it earns and spends goes one after the other."""
    return Account.objects.select_for_update(no_key=True).get(pk=number)
