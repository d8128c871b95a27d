"""The only writers: one function, one transaction, one event."""

from django.db import transaction
from django.utils.translation import gettext as _

from cityhall.kernel.errors import Conflict, Missing
from cityhall.kernel.journal import append
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.permissions import require
from fountains.models import Fountain


def _find(fountain_id: int) -> Fountain:
    fountain = Fountain.objects.select_for_update().filter(pk=fountain_id).first()
    if fountain is None:
        raise Missing(_("There is no such fountain."), mend=_("Look for it on the map."))
    return fountain


@transaction.atomic
def report_broken(actor: Actor, fountain_id: int) -> Fountain:
    """Anybody may say that a fountain is broken. Raises Missing, or Conflict where it is known already."""
    fountain = _find(fountain_id)
    if not fountain.works:
        raise Conflict(_("We know already that it is broken."), mend=_("Nothing more is needed."))
    fountain.works = False
    fountain.save(update_fields=["works"])
    append("fountains", "fountain.broken", {"fountain": fountain.pk}, subject=str(fountain.pk), actor=str(actor))
    return fountain


@transaction.atomic
def mend(actor: Actor, fountain_id: int) -> Fountain:
    """A plumber has mended it. Raises Denied for anybody else, or Missing."""
    require(actor, "fountains.mend_fountain")
    fountain = _find(fountain_id)
    fountain.works = True
    fountain.save(update_fields=["works"])
    append("fountains", "fountain.mended", {"fountain": fountain.pk}, subject=str(fountain.pk), actor=str(actor))
    return fountain
