"""Jobs of buses and journeys."""

from __future__ import annotations

from django.conf import settings
from django.core.mail import EmailMessage
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from procrastinate import JobContext, RetryStrategy

from cityhall.kernel.notify.letters import send_once
from cityhall.kernel.people import invitations
from cityhall.kernel.work.jobs import job
from cityhall.services.transit.models import Guardian


# The job knows the number only: the address is forgotten with the invitation, and jobs are kept for a while.
@job("transit.invite_guardian", twice=True, pass_context=True, retry=RetryStrategy(max_attempts=8, exponential_wait=3))
def invite_guardian(context: JobContext, guardian_id: int, language: str) -> None:
    """Mails a guardian's invitation, unless it was taken back or accepted; what is refused is tried again."""
    guardian = Guardian.objects.filter(pk=guardian_id, person=None).first()
    if guardian is not None:
        with translation.override(language or settings.LANGUAGE_CODE):
            send_once(_letter(guardian), f"job {context.job.id}")


def _letter(guardian: Guardian) -> EmailMessage:
    # Every process of a city loads this module, each command too: what knows streets stays out of them.
    from cityhall.services.transit.riders import school

    token = invitations.new_token(school.INVITATION, guardian.pk)
    # Not the child's reference: the address may have been mistyped.
    text = _(
        "The school transport office of %(city)s has entered this address as that of a guardian of a pupil who rides a "
        "special-school bus.\n\n"
        "To see where the bus is, open this within %(days)d days and sign in or make an account:\n%(link)s"
    ) % {
        "city": settings.CITY.name,
        "days": invitations.DAYS,
        "link": settings.PUBLIC_URL + reverse("transit_school_accept", args=[token]),
    }
    return invitations.letter(
        guardian.email, _("Your child's school bus in %(city)s") % {"city": settings.CITY.name}, text
    )
