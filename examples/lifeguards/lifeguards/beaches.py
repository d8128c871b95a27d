"""What is done with beaches: read from the city's file, closed and opened, followed by whoever bathes there."""

from __future__ import annotations

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cityhall.kernel import values
from cityhall.kernel.errors import Denied, Invalid, Missing
from cityhall.kernel.journal import append
from cityhall.kernel.notify.sending import send
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.permissions import require
from cityhall.kernel.places.point import Point
from lifeguards.models import Beach, Follow

HOME = "/lifeguards/"


@transaction.atomic
def load() -> None:
    """Keeps the beaches of `[service.lifeguards.beaches]` in city.toml. Raises Invalid; then nothing is changed."""
    named = settings.CITY.options.get("lifeguards", {}).get("beaches", {})
    for name, place in named.items():
        if not (isinstance(place, list) and len(place) == 2):
            raise Invalid(
                _("%(beach)s is no beach.") % {"beach": name}, mend=_('Write "Name" = [longitude, latitude].')
            )
        point = Point(*values.position(f"{place[0]},{place[1]}", name))
        Beach.objects.update_or_create(name=name, defaults={"point": point})


@transaction.atomic
def close(actor: Actor, beach_id: int) -> Beach:
    """Nobody may bathe there any more; who follows it is told. Raises Denied, Missing."""
    return _change(actor, beach_id, closed=True)


@transaction.atomic
def open_again(actor: Actor, beach_id: int) -> Beach:
    """Bathing is safe again; who follows it is told. Raises Denied, Missing."""
    return _change(actor, beach_id, closed=False)


def _change(actor: Actor, beach_id: int, *, closed: bool) -> Beach:
    require(actor, "lifeguards.close_beach")
    beach = _locked(beach_id)
    if (beach.closed_at is not None) == closed:
        return beach
    beach.closed_at = timezone.now() if closed else None
    beach.save(update_fields=["closed_at"])
    event = "beach.closed" if closed else "beach.opened"
    append("lifeguards", event, {}, subject=f"beach:{beach.pk}", actor=str(actor))
    title = gettext_lazy("%(beach)s is closed") if closed else gettext_lazy("%(beach)s is open again")
    for follow in Follow.objects.filter(beach=beach).select_related("person"):
        send(follow.person, title, values={"beach": beach.name}, url=HOME)
    return beach


@transaction.atomic
def follow(actor: Actor, beach_id: int, *, wanted: bool) -> None:
    """A person wants to be told of a beach, or no more. Raises Denied for who has no account, Missing."""
    if actor.person_id is None:
        raise Denied(_("Only a person can be told."), mend=_("Sign in first."))
    beach = _locked(beach_id)
    known = Follow.objects.filter(beach=beach, person_id=actor.person_id)
    if wanted == known.exists():
        return
    if wanted:
        Follow.objects.create(beach=beach, person_id=actor.person_id)
    else:
        known.delete()
    event = "beach.followed" if wanted else "beach.unfollowed"
    append("lifeguards", event, {}, subject=f"beach:{beach.pk}", actor=str(actor))


def _locked(beach_id: int) -> Beach:
    beach = Beach.objects.select_for_update().filter(pk=beach_id).first()
    if beach is None:
        raise Missing(_("There is no such beach."))
    return beach
