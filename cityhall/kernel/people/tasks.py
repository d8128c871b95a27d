"""Jobs of accounts."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.mail import EmailMessage
from django.db import transaction
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from procrastinate import JobContext, RetryStrategy

from cityhall.kernel.notify.letters import send_once
from cityhall.kernel.people import households, invitations
from cityhall.kernel.people.actors import system
from cityhall.kernel.people.models import HouseholdMember, Person
from cityhall.kernel.people.privacy import erase
from cityhall.kernel.work.aside import passing_over
from cityhall.kernel.work.jobs import job

UNCONFIRMED_DAYS = 14
"""As long as an invitation is good, which may be why somebody signed up."""
MOST_A_NIGHT = 20_000


# The job knows numbers only: jobs are kept for a while, and nobody would think of erasing an address there.
@job("people.send_invitation", twice=True, pass_context=True, retry=RetryStrategy(max_attempts=8, exponential_wait=3))
def send_invitation(context: JobContext, member_id: int, inviter_id: int, language: str) -> None:
    """Mails an invitation, unless it was taken back or accepted. What the mail server refuses is tried again."""
    member = HouseholdMember.objects.select_related("household").filter(pk=member_id, person=None).first()
    inviter = Person.objects.filter(pk=inviter_id).first()
    if member is not None and inviter is not None:
        with translation.override(language or settings.LANGUAGE_CODE):
            send_once(_invitation(member, inviter), f"job {context.job.id}")


def _invitation(member: HouseholdMember, inviter: Person) -> EmailMessage:
    token = invitations.new_token(households.KIND, member.pk)
    text = _(
        "%(name)s invites you to the household “%(household)s” in %(city)s.\n\n"
        "To accept, open this within %(days)d days and sign in or make an account:\n%(link)s"
    ) % {
        "name": str(inviter),
        "household": member.household.name,
        "city": settings.CITY.name,
        "days": invitations.DAYS,
        "link": settings.PUBLIC_URL + reverse("household_accept", args=[token]),
    }
    subject = _("Invitation to a household in %(city)s") % {"city": settings.CITY.name}
    return invitations.letter(member.email, subject, text)


def forget_invitations() -> None:
    """Every night: removes invitations that nobody accepted in time, with the addresses they went to."""
    before = timezone.now() - timedelta(days=invitations.DAYS)
    HouseholdMember.objects.filter(person=None, invited_at__lt=before).delete()


def forget_unconfirmed() -> None:
    """Every night: erases accounts whose mailbox did not answer in UNCONFIRMED_DAYS, in which nobody ever was.

    Anybody may have typed that address; who it belongs to never asked for an account.
    """
    before = timezone.now() - timedelta(days=UNCONFIRMED_DAYS)
    claimed = Person.objects.filter(
        joined_at__lt=before, last_login=None, memberships=None, emailaddress__verified=False, is_superuser=False
    ).exclude(emailaddress__verified=True)
    for person in claimed.distinct().order_by("pk")[:MOST_A_NIGHT]:
        with passing_over("people.forget_unconfirmed", person.pk), transaction.atomic():
            erase(system("accounts"), person)


def forget_sessions() -> None:
    """Every hour: removes sessions that are over (manifest `Task`)."""
    Session.objects.filter(expire_date__lt=timezone.now()).delete()
