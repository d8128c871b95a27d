"""Jobs of accounts."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.mail import EmailMessage
from django.db import close_old_connections
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from cityhall.kernel.people import households, invitations
from cityhall.kernel.people.models import HouseholdMember, Person


# The job knows numbers only: jobs are kept for a while, and nobody would think of erasing an address there.
@app.task(name="people.send_invitation", retry=RetryStrategy(max_attempts=8, exponential_wait=3))
def send_invitation(member_id: int, inviter_id: int, language: str) -> None:
    """Mails an invitation, unless it was taken back or accepted. What the mail server refuses is tried again."""
    try:
        member = HouseholdMember.objects.select_related("household").filter(pk=member_id, person=None).first()
        inviter = Person.objects.filter(pk=inviter_id).first()
        if member is not None and inviter is not None:
            with translation.override(language or settings.LANGUAGE_CODE):
                _invitation(member, inviter).send()
    finally:
        close_old_connections()


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


@app.periodic(cron="23 3 * * *", periodic_id="people.forget_invitations")
@app.task(name="people.forget_invitations", queueing_lock="people.forget_invitations", pass_context=False)
def forget_invitations(timestamp: int) -> None:
    """Removes invitations that nobody accepted in time, with the addresses they went to."""
    try:
        before = timezone.now() - timedelta(days=invitations.DAYS)
        HouseholdMember.objects.filter(person=None, invited_at__lt=before).delete()
    finally:
        close_old_connections()


def forget_sessions() -> None:
    """Every hour: removes sessions that are over (manifest `Task`)."""
    Session.objects.filter(expire_date__lt=timezone.now()).delete()
