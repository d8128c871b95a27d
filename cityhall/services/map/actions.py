"""The only writers of saved views. Those of data sets are in datasets/actions.py."""

from __future__ import annotations

import uuid
from typing import Any

import orjson
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from cityhall.kernel.errors import Denied, Invalid, Missing, TooMany
from cityhall.kernel.journal import append
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.models import Membership
from cityhall.kernel.people.permissions import may, require, roles
from cityhall.services.map.models import SavedView

STATE_BYTES = 20_000
VIEWS_MOST = 200
Audience = SavedView.Audience


def _checked(state: Any) -> dict[str, Any]:
    if not isinstance(state, dict) or not isinstance(state.get("layers", {}), dict):
        raise Invalid(_("This is no view of the map."), field="state")
    try:
        size = len(orjson.dumps(state))
    except orjson.JSONEncodeError:
        # One in another, deeper than it writes them.
        size = STATE_BYTES + 1
    if size > STATE_BYTES:
        raise TooMany(_("This view has too much in it."), field="state", mend=_("Choose fewer layers or values."))
    return state


@transaction.atomic
def save_view(
    actor: Actor, *, name: str, state: Any, audience: str = "private", role: str = "", public_id: str = ""
) -> SavedView:
    """Keeps a view, or changes the actor's own `public_id`.

    For a role or for everybody it takes `map.share_view`. Raises Denied, Invalid, Missing, TooMany.
    """
    if actor.person_id is None:
        raise Denied(_("Sign in to keep a view."), mend=_("The link of the page holds the view too: share that."))
    name = name.strip()
    if not 0 < len(name) <= 100:
        raise Invalid(_("A view needs a name of at most 100 letters."), field="name")
    if audience not in Audience.values or (audience == Audience.ROLE and role not in roles()):
        raise Invalid(_("It is not clear who may see it."), field="audience")
    if audience in (Audience.ROLE, Audience.PUBLIC):
        require(actor, "map.share_view")
    if public_id:
        view = own_view(actor, public_id)
    elif SavedView.objects.filter(owner_id=actor.person_id, deleted_at=None).count() >= VIEWS_MOST:
        raise TooMany(_("You have too many views."), mend=_("Delete some first."))
    else:
        view = SavedView(owner_id=actor.person_id)
    view.name, view.state, view.audience = name, _checked(state), audience
    view.role = role if audience == Audience.ROLE else ""
    view.save()
    append(
        "map",
        "view.changed" if public_id else "view.saved",
        {"audience": audience, "role": view.role},
        subject=f"view:{view.public_id}",
        actor=str(actor),
    )
    return view


def own_view(actor: Actor, public_id: str, *, deleted: bool = False) -> SavedView:
    """A view that the actor may change: their own. Raises Missing for any other."""
    known = _uuid(public_id)
    found = SavedView.objects.filter(public_id=known, owner_id=actor.person_id).first() if known else None
    if found is None or actor.person_id is None or bool(found.deleted_at) != deleted:
        raise Missing(_("There is no such view."), mend=_("It may have been deleted."))
    return found


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


@transaction.atomic
def delete_view(actor: Actor, public_id: str) -> SavedView:
    """Deletes the actor's own view; it can be restored until `forget_deleted` comes. Raises Missing."""
    view = own_view(actor, public_id)
    view.deleted_at = timezone.now()
    view.save(update_fields=["deleted_at"])
    append("map", "view.deleted", {}, subject=f"view:{view.public_id}", actor=str(actor))
    return view


@transaction.atomic
def restore_view(actor: Actor, public_id: str) -> SavedView:
    """Brings the actor's own deleted view back, with its link. Raises Missing once it is gone for good."""
    view = own_view(actor, public_id, deleted=True)
    view.deleted_at = None
    view.save(update_fields=["deleted_at"])
    append("map", "view.restored", {}, subject=f"view:{view.public_id}", actor=str(actor))
    return view


def find_view(actor: Actor, public_id: str) -> SavedView:
    """A view that the actor may open. Raises Missing for any other, whether there is one or not."""
    known = _uuid(public_id)
    view = SavedView.objects.filter(public_id=known, deleted_at=None).first() if known else None
    open_to_all = view is not None and view.audience in (Audience.LINK, Audience.PUBLIC)
    if view is None or not (open_to_all or view in views_of(actor)):
        raise Missing(_("There is no such view."), mend=_("It may have been deleted, or is not shared with you."))
    return view


def views_of(actor: Actor) -> list[SavedView]:
    """The views in an actor's list: their own, those of their roles, the public ones."""
    wanted = Q(audience=Audience.PUBLIC)
    if actor.person_id is not None:
        held = Membership.objects.filter(person_id=actor.person_id, scope="").values_list("role", flat=True)
        wanted |= Q(owner_id=actor.person_id) | Q(audience=Audience.ROLE, role__in=list(held))
    return list(SavedView.objects.filter(wanted, deleted_at=None))


def may_share(actor: Actor) -> bool:
    """Whether the actor may give views to a role or to everybody."""
    return may(actor, "map.share_view")
