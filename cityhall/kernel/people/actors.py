"""Who does something. Every action takes an `Actor`, whichever door the wish came through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.errors import Denied
from cityhall.kernel.people.models import Person

Kind = Literal["person", "device", "system", "anonymous"]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts. `id` is the account's number, the device's public id or the part of the program, as text.

    `str(actor)` ("person:12") is what the journal keeps: no name, so that erasing an account erases the person.
    `resident`: an officer who looks at the city as a resident does; their roles permit nothing meanwhile.
    """

    kind: Kind
    id: str = ""
    name: str = ""
    language: str = ""
    resident: bool = False

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}" if self.id else self.kind

    @property
    def person_id(self) -> int | None:
        """The account's primary key, None for who is not a person."""
        return int(self.id) if self.kind == "person" else None


ANONYMOUS = Actor("anonymous")
AS_RESIDENT = "as_resident"
"""What a session calls the switch."""


def system(part: str) -> Actor:
    """A part of the program acting by itself: a regular task, a load, an alarm. It may do everything."""
    return Actor("system", part, part)


def person_actor(person: Person, *, resident: bool = False) -> Actor:
    """An account as an actor, in its own language; as a `resident` it may do what anybody with an account may."""
    return Actor("person", str(person.pk), str(person), person.language or settings.LANGUAGE_CODE, resident)


def as_resident(request: HttpRequest) -> bool:
    """Whether who asks has switched to look at the city as a resident does."""
    session = getattr(request, "session", None)
    return session is not None and bool(session.get(AS_RESIDENT))


def actor_of(request: HttpRequest) -> Actor:
    """Who sent a request: the signed-in person, else somebody unknown in the language of the request."""
    user = getattr(request, "user", None)
    if isinstance(user, Person) or getattr(user, "is_authenticated", False):
        return person_actor(user, resident=as_resident(request))  # type: ignore[arg-type]
    return Actor("anonymous", language=get_language() or settings.LANGUAGE_CODE)


def person_of(request: HttpRequest) -> Person:
    """The signed-in person. Raises Denied where nobody is."""
    pk = getattr(request, "user", None) and request.user.pk
    person = Person.objects.filter(pk=pk, is_active=True).first() if pk else None
    if person is None:
        raise Denied(_("Sign in first."), code="denied")
    return person
