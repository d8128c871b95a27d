"""Who follows a way is told of it: when it begins, when nobody arrived, when help is called; not by the page alone.

An account is told as its owner wishes (inbox, mail, push); an address by mail. Each has a code of their own, which
opens the page of the way and ends the telling: it is made from the row's number and the city's secret, so that only its
hash lies in the database.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.errors import Conflict, Denied, Invalid, Missing
from cityhall.kernel.journal import append
from cityhall.kernel.notify.sending import send
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.models import Person
from cityhall.services.safety.codes import hash_of, spelt
from cityhall.services.safety.models import Escort, EscortFollower

MOST = 5
"""So many are told of one way."""


@dataclass(frozen=True, slots=True)
class News:
    """What is told at one moment; `%(name)s` is who is on the way."""

    title: Promise | str
    body: Promise | str


NEWS = {
    "began": News(_("%(name)s is on the way"), _("You follow it: here you see until when, and whether they arrived.")),
    "overdue": News(_("%(name)s has not arrived"), _("The time that they chose is up. Call them.")),
    "called": News(_("%(name)s has called for help"), _("The city's control desk has the call.")),
    "arrived": News(_("%(name)s has arrived"), _("After the time that they chose.")),
}
SOMEBODY = _("Somebody whose way you follow")


def code_of(follower: EscortFollower) -> str:
    """What opens the way for one who follows: 100 bits."""
    secret = hmac.new(settings.SECRET_KEY.encode(), f"safety follower {follower.pk}".encode(), hashlib.sha256)
    return spelt(secret.digest())


def path_of(follower: EscortFollower) -> str:
    """The page of the way, for them."""
    return f"/safety/escort/told/{code_of(follower)}/"


def by_code(code: str) -> EscortFollower:
    """Who follows, by their code. Raises Missing, also once the way is erased."""
    rows = EscortFollower.objects.select_related("escort__alert")
    one = rows.filter(code=hash_of(code.strip().lower())).first()
    if one is None:
        raise Missing(_("Nobody is followed here, or not any more."), code="no_such_escort")
    return one


def addresses(text: str) -> list[str]:
    """The addresses in what somebody typed, parted by commas, spaces or lines. Raises Invalid."""
    found = list(dict.fromkeys(one.lower() for one in re.split(r"[\s,;]+", text) if one))
    for one in found:
        try:
            validate_email(one)
        except ValidationError:
            raise Invalid(
                _("“%(text)s” is no e-mail address.") % {"text": one[:80]},
                code="bad_address",
                field="tell",
                mend=_("Part the addresses by commas."),
            ) from None
    if len(found) > MOST:
        raise Invalid(_("At most %(most)d people are told.") % {"most": MOST}, code="too_many", field="tell")
    return found


def add_named(actor: Actor, escort: Escort, given: Iterable[str]) -> None:
    """Whom somebody with an account names is told of their way. In the transaction that begins it. Raises Denied."""
    given = list(given)
    if given and actor.person_id is None:
        raise Denied(_("Sign in to have others told."), code="denied", mend=_("Or send them the link yourself."))
    for address in given:
        _add(escort, _account(address), address)


@transaction.atomic
def follow(actor: Actor, escort: Escort, email: str = "") -> EscortFollower:
    """Whoever has the link wants to be told: by their account, else at an address; the same again is the same one.

    Raises Invalid for what is no address, Conflict where it is over or enough are told.
    """
    escort = Escort.objects.select_for_update(of=("self",)).get(pk=escort.pk)
    if escort.ended_at is not None:
        raise Conflict(_("It is over."), code="over")
    if actor.person_id is not None:
        return _add(escort, Person.objects.get(pk=actor.person_id), "")
    given = addresses(email)
    if len(given) != 1:
        raise Invalid(_("Write your e-mail address."), code="no_address", field="tell")
    return _add(escort, None, given[0])


@transaction.atomic
def stop(code: str) -> None:
    """One who follows wants to be told no more. Raises Missing."""
    one = by_code(code)
    number = one.escort_id
    one.delete()
    append("safety", "escort.untold", {}, subject=f"escort:{number}")


def tell(escort: Escort, what: str) -> None:
    """Tells all who follow one of NEWS, in the transaction of what happened; twice is once."""
    for follower in escort.followers.select_related("person").order_by("pk"):
        _tell(escort, follower, what)


def name_of(escort: Escort, follower: EscortFollower) -> str | Promise:
    """Who is on the way, for one who follows: what a stranger wrote goes into nobody's mail."""
    if escort.person is None and follower.person is None:
        return SOMEBODY
    return escort.name or (str(escort.person) if escort.person else SOMEBODY)


def _account(address: str) -> Person | None:
    """The account of a mailbox, where it has shown that it is theirs."""
    owned = Person.objects.filter(emailaddress__email__iexact=address, emailaddress__verified=True, is_active=True)
    return owned.first()


def _add(escort: Escort, person: Person | None, email: str) -> EscortFollower:
    key = {"person": person} if person else {"email": email}
    found = escort.followers.filter(**key).first()
    if found is not None:
        return found
    if escort.followers.count() >= MOST:
        raise Conflict(_("At most %(most)d people are told.") % {"most": MOST}, code="too_many")
    language = (get_language() or settings.LANGUAGE_CODE)[:10]
    one = EscortFollower.objects.create(escort=escort, language=language, **key)
    one.code = hash_of(code_of(one))
    one.save(update_fields=["code"])
    append("safety", "escort.told", {"account": person is not None}, subject=f"escort:{escort.pk}")
    _tell(escort, one, "began")
    return one


def _tell(escort: Escort, follower: EscortFollower, what: str) -> None:
    from cityhall.services.safety.tasks import mail_follower

    if follower.person is None:
        mail_follower.defer(follower_id=follower.pk, what=what)
        return
    news, values = NEWS[what], {"name": name_of(escort, follower)}
    key = f"escort-{escort.pk}-{what}"
    send(follower.person, news.title, news.body, values=values, url=path_of(follower), key=key)
