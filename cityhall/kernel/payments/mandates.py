"""Direct debit: agreed once, collected on each bill's day, ended at any time."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.errors import Denied
from cityhall.kernel.journal import append
from cityhall.kernel.payments.models import Mandate
from cityhall.kernel.payments.providers import provider
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.models import Person


@transaction.atomic
def agree(payer: Person, provider_slug: str, provider_ref: str, ending: str, *, actor: Actor) -> Mandate:
    """Notes what the payer has agreed to at the provider; the same one again is the same. Raises Missing, Denied."""
    provider(provider_slug)
    if actor.person_id != payer.pk and actor.kind != "system":
        raise Denied(_("Only who pays can agree to a direct debit."), code="denied")
    mandate, made = Mandate.objects.get_or_create(
        provider=provider_slug,
        provider_ref=provider_ref[:200],
        defaults={"payer": payer, "ending": ending[-4:], "agreed_at": timezone.now()},
    )
    if mandate.payer_id != payer.pk:
        raise Denied(_("Only who pays can agree to a direct debit."), code="denied")
    if made:
        append("payments", "mandate.agreed", {}, subject=f"mandate:{mandate.pk}", actor=str(actor))
    return mandate


@transaction.atomic
def revoke(actor: Actor, mandate: Mandate) -> Mandate:
    """Nothing is collected by it any more: bills that stood on it are paid otherwise. Raises Denied."""
    if actor.person_id != mandate.payer_id and actor.kind != "system":
        raise Denied(_("Only who pays can end a direct debit."), code="denied")
    mine = Mandate.objects.select_for_update().get(pk=mandate.pk)
    if mine.revoked_at is None:
        mine.revoked_at = timezone.now()
        mine.save(update_fields=["revoked_at"])
        append("payments", "mandate.revoked", {}, subject=f"mandate:{mine.pk}", actor=str(actor))
    return mine
