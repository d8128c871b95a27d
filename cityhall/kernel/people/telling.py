"""Telling people what was done to their account."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.journal import Event
from cityhall.kernel.notify.sending import send
from cityhall.kernel.people.models import Person
from cityhall.kernel.people.permissions import roles

NEWS = timedelta(days=1)
"""What is older is no news: a city that begins to follow, or stood still for long, does not tell all its past."""
TEXTS = {
    "person.role_granted": (_("You have a new role: %(role)s"), _("Your work is on a page of its own now.")),
    "person.role_revoked": (_("A role of yours has ended: %(role)s"), _("Ask an administrator if that is a mistake.")),
}


def tell_of_roles(events: list[Event]) -> None:
    """Tells whoever was given a role, or lost one. A follower of the stream "people"."""
    known = roles()
    for event in events:
        texts = TEXTS.get(event.type)
        if texts is None or event.time < timezone.now() - NEWS:
            continue
        person = Person.objects.filter(pk=int(event.subject.removeprefix("person:")), is_active=True).first()
        if person is not None:
            role = known.get(event.data["role"])
            title, body = texts
            values = {"role": role.name if role else event.data["role"]}
            send(person, title, body, values=values, url="/work/", key=f"role-{event.id}")
