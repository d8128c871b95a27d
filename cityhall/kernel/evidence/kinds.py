"""The kinds of evidence that the city's services keep."""

from __future__ import annotations

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.errors import Denied
from cityhall.kernel.evidence.declares import EvidenceKind
from cityhall.kernel.evidence.models import Evidence
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.models import Person
from cityhall.kernel.people.permissions import may, permissions_of, require
from cityhall.kernel.service import Text, declared, resolve


def kinds() -> dict[str, EvidenceKind]:
    """Every kind by its name: the slug of its service or room, a dot, its own."""
    return {f"{owner.slug}.{kind.slug}": kind for owner, kind in declared(EvidenceKind)}


def kind_name(slug: str) -> Text:
    """What a kind is called; its slug where no service of the city declares it any more."""
    kind = kinds().get(slug)
    return kind.name if kind else slug


def about(piece: Evidence) -> tuple[Text, str]:
    """What a piece is about, in words, and the address of that, "" where it has none."""
    kind = kinds().get(piece.kind)
    told: tuple[Text, str] = resolve(kind.about)(piece.subject) if kind and kind.about else (piece.subject, "")
    return told


def visible(actor: Actor) -> QuerySet[Evidence]:
    """The pieces that the actor may look at, the latest first. Raises Denied for whom no kind of the city is open.

    Of a kind that is open to them in a part of the city only, those of that part.
    """
    found = Evidence.objects.none()
    seen = False
    for name, kind in kinds().items():
        if may(actor, kind.permission):
            found, seen = found | Evidence.objects.filter(kind=name), True
        elif scopes := _scopes(actor, kind.permission):
            found, seen = found | Evidence.objects.filter(kind=name, scope__in=scopes), True
    if not seen:
        raise Denied(_("You may not do this."), code="denied", mend=_("Sign in, or ask an administrator."))
    return found.order_by("-pk")


def _scopes(actor: Actor, permission: str) -> list[str]:
    """The parts of the city for which the actor has a permission."""
    person = Person.objects.filter(pk=actor.person_id or 0, is_active=True).first()
    if person is None or actor.resident:
        return []
    return [scope for scope in permissions_of(person).get(permission, []) if scope]


def require_piece(actor: Actor, piece: Evidence) -> None:
    """Raises Denied unless the actor may look at the piece: nobody may where no service declares its kind."""
    kind = kinds().get(piece.kind)
    if kind is None:
        raise Denied(_("The service that kept this is switched off."), code="denied")
    require(actor, kind.permission, piece)


def may_hold(actor: Actor, piece: Evidence) -> bool:
    """Whether the piece may be handed over to this actor."""
    kind = kinds().get(piece.kind)
    return kind is not None and may(actor, kind.permission, piece)
