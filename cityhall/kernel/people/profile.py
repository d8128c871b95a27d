"""What a person says of themselves: name, language, and how they want to be told things."""

from __future__ import annotations

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.errors import Denied, Invalid
from cityhall.kernel.notify.sending import choose_channels
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.models import Person


@transaction.atomic
def change_profile(actor: Actor, *, name: str, language: str, email: bool, push: bool) -> Person:
    """Changes the actor's own profile; `email` and `push` are the channels wanted.

    The journal is told nothing: a name in it could never be erased. Raises Denied for who is no person, Invalid for
    a language that the city does not speak.
    """
    if actor.person_id is None:
        raise Denied(_("Only a person has a profile."), code="denied", mend=_("Sign in first."))
    if language not in dict(settings.LANGUAGES):
        raise Invalid(_("The city does not speak this language."), code="unknown_language", field="language")
    person = Person.objects.select_for_update().get(pk=actor.person_id)
    person.name, person.language = name.strip(), language
    person.save(update_fields=["name", "language"])
    choose_channels(person, email=email, push=push)
    return person
