"""Letters to an address that ask its owner for a yes: only who reads the mailbox can open what they lead to.

What is offered is a row of its own with the address in it and nobody's account (a place in a household, a link to a
pupil). Whoever opens the letter's link signs in and accepts, and the address is forgotten: it served its purpose. An
account is no proof of a mailbox, so a right is given to one directly only where it has confirmed the address.
"""

from __future__ import annotations

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.signing import BadSignature, TimestampSigner
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from cityhall.kernel.errors import Invalid, Missing
from cityhall.kernel.people.models import Person

DAYS = 14
"""How long an invitation is good, and its address kept."""


def read_email(text: str) -> str:
    """An address as accounts have it. Raises Invalid for what is none."""
    email = text.strip().lower()
    try:
        validate_email(email)
    except ValidationError as problem:
        raise Invalid(_("This is no e-mail address."), code="email", field="email") from problem
    return email


def confirmed_owner(email: str) -> Person | None:
    """The account that has shown that it reads this address; None where none has."""
    found = EmailAddress.objects.filter(email__iexact=email, verified=True, user__email=email, user__is_active=True)
    address = found.select_related("user").first()
    return address.user if address else None


def new_token(kind: str, number: int) -> str:
    """What opens the invitation with this number among those of a kind, good for DAYS from now."""
    return TimestampSigner(salt=f"{kind} invitation").sign(str(number))


def number_of(kind: str, token: str) -> int:
    """Whose token it is. Raises Missing where it is forged or too old."""
    try:
        return int(TimestampSigner(salt=f"{kind} invitation").unsign(token, max_age=DAYS * 86_400))
    except (BadSignature, ValueError):
        raise no_invitation() from None


def no_invitation() -> Missing:
    """For an invitation that is forged, too old, taken back or accepted: which, is nobody's business."""
    return Missing(_("This invitation is not valid any more."), code="no_invitation", mend=_("Ask for a new one."))


def letter(email: str, subject: str, text: str) -> EmailMessage:
    """An invitation as a mail, in the language now active; `text` ends with what to do, without the last advice."""
    headers = {"Auto-Submitted": "auto-generated"}
    advice = _("If this does not concern you, do nothing.")
    return EmailMessage(
        " ".join(subject.split()), f"{text}\n\n{advice}", settings.DEFAULT_FROM_EMAIL, to=[email], headers=headers
    )
