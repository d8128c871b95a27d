"""Who may do what: denied unless a role gives it.

The manifests say which roles there are and what each permits; the database only says who holds which role, for the
whole city or for one scope ("zone:centro", "lab:7"). So a role that a new version changes is changed for everyone at
once, and a role that no manifest declares any more permits nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol, runtime_checkable

from django.db import transaction
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.errors import Denied, Missing
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.declares import Role
from cityhall.kernel.people.models import Membership, Person
from cityhall.kernel.service import Text, declared, rooms


@runtime_checkable
class Scoped(Protocol):
    """An object that belongs somewhere: its scopes are what a role may be held for, as "zone:centro"."""

    def permission_scopes(self) -> Iterable[str]: ...


def roles() -> dict[str, Role]:
    """Every role of the city by the name it is held under: "<service>.<role>", "kernel.<role>" for a room's."""
    kernel = rooms()
    return {f"{'kernel' if owner in kernel else owner.slug}.{role.slug}": role for owner, role in declared(Role)}


def _scopes(obj: Any) -> set[str]:
    if isinstance(obj, str):
        return {obj}
    return set(obj.permission_scopes()) if isinstance(obj, Scoped) else set()


def may(actor: Actor, permission: str, obj: Any = None) -> bool:
    """Whether `actor` has `permission`, and for `obj` where one is given.

    `obj` is a scope as text or an object with `permission_scopes()`. A role held for the whole city permits every
    object; one held for a scope permits only objects in it, and nothing where no object is named.
    """
    if actor.kind == "system":
        return True
    if actor.person_id is None or actor.resident:
        return False
    person = Person.objects.filter(pk=actor.person_id, is_active=True).values("is_superuser").first()
    if person is None:
        return False
    if person["is_superuser"]:
        return True
    giving = [name for name, role in roles().items() if permission in role.permissions]
    held = Membership.objects.filter(person_id=actor.person_id, role__in=giving)
    return held.filter(scope__in={"", *(_scopes(obj) if obj is not None else ())}).exists()


def require(actor: Actor, permission: str, obj: Any = None) -> None:
    """Raises Denied unless `may(actor, permission, obj)`."""
    if not may(actor, permission, obj):
        raise Denied(_("You may not do this."), code="denied", mend=_mend(actor, permission))


def _mend(actor: Actor, permission: str) -> Text:
    """What whoever is refused can do, with the roles that would do in people's words."""
    from cityhall.kernel.people.wording import role_name

    if actor.resident:
        return _("You are looking as a resident. Go back to your work first.")
    giving = [role_name(name) for name, role in sorted(roles().items()) if permission in role.permissions]
    if not giving:
        return _("Sign in, or ask an administrator.")
    return format_lazy("{} {}.", _("Sign in, or ask an administrator for the role:"), " / ".join(giving))


def permissions_of(person: Person) -> dict[str, list[str]]:
    """What a person may do: permission -> scopes ("" is the whole city), sorted."""
    known = roles()
    found: dict[str, set[str]] = {}
    if person.is_superuser:
        return {permission: [""] for role in known.values() for permission in role.permissions}
    for membership in person.memberships.all():
        role = known.get(membership.role)
        for permission in role.permissions if role else ():
            found.setdefault(permission, set()).add(membership.scope)
    return {permission: sorted(scopes) for permission, scopes in sorted(found.items())}


@transaction.atomic
def grant(actor: Actor, person: Person, role: str, *, scope: str = "") -> Membership:
    """Gives a person a role ("<service>.<role>"), for the whole city or one scope. Giving it twice is no error.

    Raises Denied without `people.grant_role` there, Missing for a role nobody declares.
    """
    from cityhall.kernel.journal import append

    require(actor, "people.grant_role", scope or None)
    if role not in roles():
        raise Missing(
            _("There is no role %(role)s.") % {"role": role},
            code="no_such_role",
            field="role",
            mend=_("Choose one of: %(roles)s.") % {"roles": ", ".join(sorted(roles()))},
        )
    membership, made = Membership.objects.get_or_create(person=person, role=role, scope=scope)
    if made:
        append(
            "people",
            "person.role_granted",
            {"role": role, "scope": scope},
            subject=f"person:{person.pk}",
            actor=str(actor),
        )
    return membership


@transaction.atomic
def revoke(actor: Actor, person: Person, role: str, *, scope: str = "") -> None:
    """Takes a role away; taking one that is not held is no error. Raises Denied without `people.grant_role`."""
    from cityhall.kernel.journal import append

    require(actor, "people.grant_role", scope or None)
    removed, _rows = Membership.objects.filter(person=person, role=role, scope=scope).delete()
    if removed:
        append(
            "people",
            "person.role_revoked",
            {"role": role, "scope": scope},
            subject=f"person:{person.pk}",
            actor=str(actor),
        )
