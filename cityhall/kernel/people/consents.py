"""Consent: given for one purpose, taken back at any time, and both kept as a record."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.errors import Denied
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.models import Consent


def _self(actor: Actor) -> int:
    if actor.person_id is None:
        raise Denied(_("Only a person can agree for themselves."), code="denied", mend=_("Sign in first."))
    return actor.person_id


def _tell(event: str, actor: Actor, purpose: str) -> None:
    from cityhall.kernel.journal import append

    append("people", event, {"purpose": purpose}, subject=str(actor), actor=str(actor))


def has_consent(person_id: int, purpose: str) -> bool:
    """Whether the person agrees to `purpose` now."""
    return Consent.objects.filter(person_id=person_id, purpose=purpose, withdrawn_at=None).exists()


@transaction.atomic
def give_consent(actor: Actor, purpose: str) -> Consent:
    """The acting person agrees to `purpose` ("transit.share_position"). Raises Denied where it is not a person."""
    consent, made = Consent.objects.get_or_create(
        person_id=_self(actor), purpose=purpose, withdrawn_at=None, defaults={"given_at": timezone.now()}
    )
    if made:
        _tell("person.consent_given", actor, purpose)
    return consent


@transaction.atomic
def withdraw_consent(actor: Actor, purpose: str) -> None:
    """Takes it back; what was never given is no error. Raises Denied where the actor is not a person."""
    standing = Consent.objects.filter(person_id=_self(actor), purpose=purpose, withdrawn_at=None)
    if standing.update(withdrawn_at=timezone.now()):
        _tell("person.consent_withdrawn", actor, purpose)
