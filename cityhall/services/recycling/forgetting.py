"""What goes when an account is erased: homes, names, texts. Weights and points stay, as nobody's, for the books."""

from __future__ import annotations

from typing import Any

from django.db.models import Q

from cityhall.kernel.media.models import Media
from cityhall.kernel.people.actors import system
from cityhall.kernel.people.models import Person
from cityhall.services.recycling import accounts, collecting, workflow
from cityhall.services.recycling.models import Contest, Pickup, Signal, Weighing


def forget_person(sender: Any, person: Person, **_values: Any) -> None:
    """Erases where their pickups stood, what they wrote and signed; what was to come is cancelled.

    In the transaction that erases the account; kernel/bookings gives the windows back itself.
    """
    mine = Pickup.objects.filter(person=person)
    for number in mine.filter(state__in=workflow.OPEN).order_by("pk").values_list("pk", flat=True):
        pickup = collecting.locked(number)
        if workflow.can("cancel", pickup.state):
            collecting.step(pickup, "cancel", system("recycling"))
    Media.objects.filter(pk__in=mine.exclude(photo=None).values("photo")).delete()
    held = accounts.held_by(person)
    alone = [one for one in held if all(other.pk == person.pk for other in accounts.people_of(one))]
    # What was brought to a drop-off point stands with no pickup.
    weighed = Weighing.objects.filter(Q(pickup__in=mine) | Q(pickup=None, account__in=alone))
    for picture in ("photo", "drawn"):
        Media.objects.filter(pk__in=weighed.exclude(**{picture: None}).values(picture)).delete()
    weighed.update(signature="")
    Contest.objects.filter(person=person).update(text="", answer="")
    Signal.objects.filter(Q(account__in=held) | Q(crew=person)).update(answer="")
    mine.update(address="", point=None, note="")
