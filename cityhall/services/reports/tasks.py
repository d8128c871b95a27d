"""Jobs of the service."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from procrastinate import JobContext, RetryStrategy

from cityhall.kernel.cases.models import Comment
from cityhall.kernel.cases.workflow import DONE, State
from cityhall.kernel.database.outage import is_outage
from cityhall.kernel.journal import append
from cityhall.kernel.limits.sources import pseudonym
from cityhall.kernel.notify.letters import send_once
from cityhall.kernel.people.models import Person
from cityhall.kernel.work.aside import passing_over
from cityhall.kernel.work.jobs import job
from cityhall.services.reports import heat, photo_learning, photos, sensing, suggestion
from cityhall.services.reports.categories import options
from cityhall.services.reports.following import TAKEN_BACK, TOLD, mail_link
from cityhall.services.reports.models import Photo, Refused, Report, Supporter

KEEP_DAYS = 365
"""Days after the last change of a report that is done until what tells who filed it is erased."""
SOURCE_DAYS = 30
"""Days that the code of where a report came from is kept: long enough to see a flood."""
BATCH = 1000


# One report at a time: many large photos take neither all the memory nor all the places of other jobs.
@job(
    "reports.look_at_photos",
    twice=True,
    lock="reports.photos",
    retry=RetryStrategy(max_attempts=5, exponential_wait=3),
)
def look_at_photos(report_id: int) -> None:
    """Looks for faces and plates in a report's new photos."""
    for photo in Photo.objects.filter(report_id=report_id, state=Photo.State.NEW).select_related("media"):
        photos.look_at(photo)


@job("reports.mail_reporter", twice=True, pass_context=True, retry=RetryStrategy(max_attempts=8, exponential_wait=3))
def mail_reporter(
    context: JobContext, report_id: int, state: str, comment_id: int | None, taken_back: bool = False
) -> None:
    """Mails a reporter without an account, in the language they reported in. The job holds numbers only."""
    report = Report.objects.select_related("category").filter(pk=report_id).exclude(email="").first()
    if report is not None:
        comment = Comment.objects.filter(pk=comment_id, public=True).first() if comment_id else None
        known = {code for code, _name in settings.LANGUAGES}
        language = report.language if report.language in known else settings.LANGUAGE_CODE
        with translation.override(language):
            title = str(TAKEN_BACK if taken_back else TOLD[State(state)])
            letter = _mail(report, title, State(state), comment.text if comment else "")
            send_once(letter, f"job {context.job.id}")


def _mail(report: Report, title: str, state: State, said: str) -> EmailMessage:
    text = _(
        "%(category)s, number %(number)d: %(state)s.\n\n%(said)s\n\nFollow it, answer, or reopen it here:\n%(link)s\n"
    )
    values = {
        "category": report.category.name,
        "number": report.pk,
        "state": state.label,
        "said": said,
        "link": settings.PUBLIC_URL + mail_link(report),
    }
    subject = " ".join(f"{settings.CITY.name}: {title} [#{report.pk}]".split())
    return EmailMessage(subject, text % values, to=[report.email], headers={"Auto-Submitted": "auto-generated"})


def fold_counts() -> None:
    """Every minute: puts the counts of cells together."""
    heat.fold()


def sense() -> None:
    """Every minute: raises incidents of what comes together."""
    sensing.sense()


def learn() -> None:
    """Every night: learns the suggestion from the latest reports, their texts and their photos."""
    suggestion.train()
    for photo in Photo.objects.filter(kind=Photo.Kind.RESIDENT, embedding=None).order_by("-pk")[:BATCH]:
        # Of photos that came before there was a network, or when it failed.
        photos.embed(photo)
    photo_learning.learn()


def erase_personal() -> int:
    """Every night: erases what tells who filed a report, once its time is over; gives how many reports.

    The report itself stays, without its reporter: what happened where is the city's to know.
    """
    now = timezone.now()
    before = now - timedelta(days=int(options().get("keep_days", KEEP_DAYS)))
    erased, kept = 0, set[int]()
    while True:
        with transaction.atomic():
            over = Report.objects.filter(erased_at=None, state__in=DONE, changed_at__lt=before).exclude(pk__in=kept)
            ids = list(over.select_for_update(skip_locked=True).values_list("pk", flat=True)[:BATCH])
            if ids:
                left = _erase_each(ids)
                kept |= left
                erased += len(ids) - len(left)
        if len(ids) < BATCH:
            break
    Report.objects.filter(filed_at__lt=now - timedelta(days=SOURCE_DAYS)).exclude(source="").update(source="")
    Refused.objects.filter(day__lt=now.date() - timedelta(days=KEEP_DAYS)).delete()
    return erased


def forget_person(person: Person, **_values: Any) -> None:
    """An account is being erased: its reports stay, as nobody's."""
    source = pseudonym(f"person:{person.pk}")
    Report.objects.filter(person=person).update(name="", email="", phone="", source="")
    Report.objects.filter(source=source).update(source="")
    Supporter.objects.filter(person=person).delete()
    Supporter.objects.filter(source=source).delete()


def _erase_each(ids: list[int]) -> set[int]:
    """Erases all of them, or where that fails one by one; gives those that cannot be, as `check` tells."""
    try:
        with transaction.atomic():
            _erase(ids)
        return set()
    except Exception as problem:
        if is_outage(problem):
            raise
    left = set(ids)
    for one in ids:
        with passing_over("reports.erase", one), transaction.atomic():
            _erase([one])
            left.discard(one)
    return left


def _erase(ids: list[int]) -> None:
    """The reporter, their words and their pictures; what the city answered may name them, so it goes too."""
    for photo in Photo.objects.filter(report_id__in=ids, kind=Photo.Kind.RESIDENT).select_related("media", "published"):
        if photo.published is not None:
            photo.published.delete()
        photo.media.delete()
    Comment.objects.filter(case_id__in=ids).delete()
    Supporter.objects.filter(report_id__in=ids).delete()
    Report.objects.filter(pk__in=ids).update(
        person=None,
        name="",
        email="",
        phone="",
        text="",
        translated="",
        answers={},
        source="",
        key=None,
        erased_at=timezone.now(),
    )
    append("reports", "reports.erased", {"count": len(ids), "first": min(ids), "last": max(ids)})
