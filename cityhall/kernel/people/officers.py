"""Officers: appointing people to roles by their address, and who holds which."""

from __future__ import annotations

from collections.abc import Iterable

from allauth.account.models import EmailAddress
from django.db import transaction
from django.utils.translation import gettext as _

from cityhall.kernel.errors import Conflict, Invalid, Missing
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.declares import Desk
from cityhall.kernel.people.invitations import confirmed_owner, read_email
from cityhall.kernel.people.models import Membership, Person
from cityhall.kernel.people.permissions import grant, require, revoke, roles
from cityhall.kernel.people.wording import role_name
from cityhall.kernel.service import declared, resolve


@transaction.atomic
def appoint(actor: Actor, email: str, role: str, *, scope: str = "") -> Person:
    """Gives a role to whoever reads the mail of an address; who has no account gets one, without a password.

    They sign in by a code sent to that address. A role hangs on no address whose owner has not shown that it is
    theirs: where somebody signed up with it and never confirmed it, this is refused. Raises Denied without
    `people.grant_role` there, Invalid for an address that is none or a scope that the role has not, Missing for a role
    nobody declares, Conflict for an unconfirmed account.
    """
    require(actor, "people.grant_role", scope or None)
    email = read_email(email)
    if scope and role in roles() and scope not in dict(scopes_of(role)):
        raise Invalid(
            _("This role is not held for %(scope)s.") % {"scope": scope_name(scope)},
            code="scope",
            field="scope",
            mend=_("Leave it empty for the whole city, or choose one that is offered."),
        )
    person = Person.objects.filter(email=email).first()
    if person is None:
        person = Person.objects.create_user(email)
        EmailAddress.objects.create(user=person, email=email, primary=True, verified=False)
    elif person.has_usable_password() and confirmed_owner(email) is None:
        # By a command of whoever runs the machine too: he cannot know who typed the address.
        raise Conflict(
            _("The account with this address has not confirmed it."),
            code="unconfirmed",
            field="email",
            mend=_("Ask them to confirm it: a link for that is on their account's page."),
        )
    grant(actor, person, role, scope=scope)
    return person


@transaction.atomic
def dismiss(actor: Actor, email: str, role: str, *, scope: str = "") -> Person:
    """Takes a role away. Raises Denied without `people.grant_role` there, Missing where nobody has the address."""
    person = Person.objects.filter(email=email.strip().lower()).first()
    if person is None:
        raise Missing(_("Nobody has this address."), code="no_such_person", field="email")
    revoke(actor, person, role, scope=scope)
    return person


def scopes_of(role: str) -> list[tuple[str, str]]:
    """The parts of the city that a role may be held for: (scope, name). None for one of the whole city only."""
    known = roles().get(role)
    return list(resolve(known.scopes)()) if known and known.scopes else []


def scope_names() -> dict[str, str]:
    """The words for every scope that some role may be held for."""
    found: Iterable[tuple[str, str]] = (pair for role in roles() for pair in scopes_of(role))
    return dict(found)


def scope_name(scope: str) -> str:
    """A part of the city in words, "" for the whole of it."""
    return scope_names().get(scope, _("a part of the city that is no more")) if scope else ""


def uses() -> list[tuple[str, list[str]]]:
    """Every role and the names of the desks that it opens, by the role's name; none for one that works elsewhere."""
    known = roles()
    desks = declared(Desk)
    return [
        (name, [str(desk.name) for _service, desk in desks if desk.permission in known[role].permissions])
        for role, name in choices()
    ]


def officers() -> list[Membership]:
    """Every role that is held and that some manifest declares, by person."""
    held = Membership.objects.filter(role__in=list(roles()), person__is_active=True).select_related("person")
    return list(held.order_by("person__email", "role", "scope"))


def choices() -> list[tuple[str, str]]:
    """Every role and its name, by name."""
    return sorted(((role, role_name(role)) for role in roles()), key=lambda pair: pair[1].casefold())
