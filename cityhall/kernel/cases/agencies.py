"""The only writer of agencies, apart from the staff screens: services make those that their cases go to."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction

from cityhall.kernel.cases.models import Agency
from cityhall.kernel.journal import append
from cityhall.kernel.people.actors import Actor


@transaction.atomic
def keep_agencies(actor: Actor, agencies: Mapping[str, tuple[str, str]]) -> None:
    """Makes agencies, or changes them where they differ: slug -> (name, slug of the superior; "" for none).

    A superior may be one of them or one that is there already. Raises KeyError for one that is neither.
    """
    known = {agency.slug: agency for agency in Agency.objects.select_for_update().order_by("pk")}
    before = {slug: (agency.name, agency.superior_id) for slug, agency in known.items()}
    for slug, (name, _superior) in agencies.items():
        if slug not in known:
            known[slug] = Agency.objects.create(slug=slug, name=name)
    for slug, (name, superior) in agencies.items():
        agency = known[slug]
        agency.name, agency.superior = name, known[superior] if superior else None
        if before.get(slug) != (agency.name, agency.superior_id):
            agency.save()
            append("cases", "agency.kept", {"superior": superior}, subject=agency.scope, actor=str(actor))
