"""Households: made by one person, joined by those invited, left at any time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.errors import Conflict, Denied, Missing, TooMany
from cityhall.kernel.people import invitations
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.models import Household, HouseholdMember, Person

MOST_OPEN = 10
"""Invitations a household may have open: the city's mail server is not for writing to strangers."""
AGAIN = timedelta(hours=1)
"""How soon an address may be written to again."""
KIND = "household"


def _person(actor: Actor) -> Person:
    # Locked, so that nobody is in two households by doing two things at once.
    person = Person.objects.select_for_update().filter(pk=actor.person_id).first() if actor.person_id else None
    if person is None:
        raise Denied(_("Only a person can be in a household."), code="denied", mend=_("Sign in first."))
    return person


def place_of(person: Person) -> HouseholdMember | None:
    """Where the person belongs: their row in a household, None where they are in none."""
    return HouseholdMember.objects.select_related("household").filter(person=person).first()


def _home(person: Person) -> HouseholdMember:
    place = place_of(person)
    if place is None:
        raise Missing(_("You are in no household."), code="no_household", mend=_("Make one first."))
    return place


def _alone(person: Person) -> None:
    if place_of(person) is not None:
        raise Conflict(
            _("You are in a household already."),
            code="in_a_household",
            mend=_("Leave it before joining another."),
        )


def _tell(event: str, actor: Actor, household: Household, **data: Any) -> None:
    from cityhall.kernel.journal import append

    # No names, no addresses: what is in the journal cannot be erased.
    append("people", event, data, subject=f"household:{household.pk}", actor=str(actor))


@transaction.atomic
def make_household(actor: Actor, name: str) -> Household:
    """A new household with the actor in it. Raises Denied for who is no person, Conflict for who is in one."""
    person = _person(actor)
    _alone(person)
    household = Household.objects.create(name=name)
    HouseholdMember.objects.create(household=household, person=person, email=person.email, joined_at=timezone.now())
    _tell("household.made", actor, household)
    return household


@transaction.atomic
def invite(actor: Actor, email: str) -> str:
    """Invites an address to the actor's household by e-mail; gives the invitation's token.

    Raises Missing where the actor is in no household, Conflict where the address is a member already, TooMany with
    MOST_OPEN invitations open or where the address was written to within the hour.
    """
    from cityhall.kernel.people.tasks import send_invitation

    person = _person(actor)
    household = Household.objects.select_for_update().get(pk=_home(person).household_id)
    address = email.strip().lower()
    member = household.members.filter(email=address).first()
    if member is None:
        if household.members.filter(person=None).count() >= MOST_OPEN:
            raise TooMany(
                _("Your household has %(count)d open invitations.") % {"count": MOST_OPEN},
                code="too_many_invitations",
                field="email",
                mend=_("Wait until some are accepted, or take one back."),
            )
        member = HouseholdMember.objects.create(household=household, email=address)
    elif member.person_id is not None:
        raise Conflict(_("They are in your household already."), code="member_already", field="email")
    elif member.invited_at > timezone.now() - AGAIN:
        raise TooMany(
            _("They were invited a moment ago."),
            code="invited_already",
            field="email",
            mend=_("Ask them to look for the mail, or try again in an hour."),
        )
    else:
        member.invited_at = timezone.now()
        member.save(update_fields=["invited_at"])
    _tell("household.invited", actor, household)
    send_invitation.defer(member_id=member.pk, inviter_id=person.pk, language=_language(address))
    return invitations.new_token(KIND, member.pk)


def _language(address: str) -> str:
    """The language of the account that has the address, else the one the inviter reads."""
    known = Person.objects.filter(email=address).values_list("language", flat=True).first()
    return known or get_language() or ""


def invitation(token: str) -> HouseholdMember:
    """The invitation behind a token. Raises Missing where it is forged, too old or taken back."""
    pk = invitations.number_of(KIND, token)
    member = HouseholdMember.objects.select_related("household").filter(pk=pk, person=None).first()
    if member is None:
        raise invitations.no_invitation()
    return member


@transaction.atomic
def accept(actor: Actor, token: str) -> Household:
    """The actor joins. Whoever was given the token may: it went to the invited address only.

    Raises Missing for a token that is not valid, Conflict for who is in a household already.
    """
    person = _person(actor)
    Household.objects.select_for_update().filter(pk=invitation(token).household_id).first()
    # Looked at once more under the lock: it may have been accepted or taken back while this waited.
    member = invitation(token)
    _alone(person)
    member.person, member.joined_at = person, timezone.now()
    member.save(update_fields=["person", "joined_at"])
    _tell("household.joined", actor, member.household)
    return member.household


@transaction.atomic
def withdraw_invitation(actor: Actor, member_id: int) -> None:
    """Takes an open invitation of the actor's household back; one that is not there is no error."""
    household = _home(_person(actor)).household
    removed, _rows = household.members.filter(pk=member_id, person=None).delete()
    if removed:
        _tell("household.invitation_withdrawn", actor, household)


@transaction.atomic
def leave(actor: Actor) -> None:
    """The actor leaves; a household nobody is left in goes, with its open invitations."""
    place = place_of(_person(actor))
    if place is None:
        return
    _tell("household.left", actor, place.household)
    vacate(place)


def vacate(place: HouseholdMember) -> None:
    """Removes somebody from their household in the caller's transaction, and the household with the last of them."""
    # Locked, so that two who leave at once do not each take the other for the one who stays.
    household = Household.objects.select_for_update().get(pk=place.household_id)
    place.delete()
    if not household.members.exclude(person=None).exists():
        household.delete()
