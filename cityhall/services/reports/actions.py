"""What is done with reports that are there; filing is in filing.py. The steps of the case itself are the kernel's."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.cases import actions as cases
from cityhall.kernel.cases.models import Agency, Case
from cityhall.kernel.cases.undo import last_step
from cityhall.kernel.cases.undo import undo as undo_step
from cityhall.kernel.cases.workflow import REQUESTER, State
from cityhall.kernel.errors import Conflict, Invalid, Missing
from cityhall.kernel.journal import append
from cityhall.kernel.media.storing import store
from cityhall.kernel.people.actors import ANONYMOUS, Actor
from cityhall.kernel.people.permissions import require
from cityhall.services.reports import heat, routing
from cityhall.services.reports.categories import chosen
from cityhall.services.reports.filing import checked_text, follow_up, set_shown
from cityhall.services.reports.following import digest, new_secret
from cityhall.services.reports.models import CellCount, Photo, Report, Supporter

OBJECT_DAYS = 30
"""So long after it was done the reporter may say that it is not."""
WORK = "reports.work_case"
STANDS_BESIDE = ("report.supported",)
"""Somebody who says "me too" does not keep an officer from taking a step back."""


def support(actor: Actor, report_id: int, source: str, *, named: bool = False) -> Report:
    """Says "me too": once a source, a second time changes nothing.

    Raises Missing, Conflict where it is done already.
    """
    with transaction.atomic():
        reports = Report.objects.select_for_update(of=("self",)).select_related("category", "case")
        report = reports.filter(pk=report_id, public=True).first() if 0 < report_id < 2**63 else None
        if report is None:
            raise Missing(_("There is no such report."), code="no_such_report")
        if not report.case.is_open:
            raise Conflict(_("It is done already."), code="done", mend=_("File a new one where it is there again."))
        if report.source == source:
            return report
        _one, made = Supporter.objects.get_or_create(
            report=report, source=source, defaults={"person_id": actor.person_id if named else None}
        )
        if made:
            report.supporters_count += 1
            report.save(update_fields=["supporters_count"])
            who = actor if named else ANONYMOUS
            append("reports", "report.supported", {}, subject=f"case:{report.pk}", actor=str(who))
        return report


@transaction.atomic
def by_reporter(actor: Actor, report: Report, step: str, *, reason: str = "", vote: int | None = None) -> Report:
    """What the reporter does by their link: "answer", "confirm" (with a `vote` from 1 to 5), or "reopen" in time.

    The caller has made sure that it is the reporter. Raises Conflict, Invalid.
    """
    case = report.case
    late = case.done_at is not None and timezone.now() - case.done_at > timedelta(days=OBJECT_DAYS)
    if step == "reopen" and late:
        raise Conflict(
            _("The time to reopen it is over."), code="too_late", mend=_("File a new report, and name this one.")
        )
    if vote is not None:
        if not 1 <= vote <= 5:
            raise Invalid(_("A vote is from 1 to 5."), code="bad_vote", field="vote")
        if case.state not in (State.RESOLVED, State.CLOSED):
            raise Conflict(_("It is not done yet."), code="not_done")
        Report.objects.filter(pk=report.pk).update(vote=vote)
        append("reports", "report.voted", {"vote": vote}, subject=f"case:{case.pk}", actor=str(ANONYMOUS))
    if step:
        cases.act(actor, case.pk, step, who=REQUESTER, reason=reason)
    return Report.objects.select_related("case__agency", "category", "person").get(pk=report.pk)


@transaction.atomic
def recategorise(actor: Actor, report_id: int, category_slug: str, reason: str) -> Report:
    """Puts a report in another category, and so to the agency and within the time of that one.

    Raises Denied, Missing, Invalid without a reason.
    """
    case = cases.locked(report_id)
    require(actor, WORK, case)
    report, category = Report.objects.select_related("category").get(pk=report_id), chosen(category_slug)
    if category == report.category:
        return report
    agency, hours = routing.route(category, report.zone, report.point, report.text)
    before = heat.count(report, -1)
    old = report.category.slug
    report.category = category
    set_shown(report, category)
    report.save(update_fields=["category", "shown", "cell"])
    if report.public:
        CellCount.objects.bulk_create([before, heat.count(report, +1)])
    cases.promise(actor, case, timedelta(hours=hours), category.calendar)
    append(
        "reports",
        "report.recategorised",
        {"from": old, "to": category.slug},
        subject=f"case:{case.pk}",
        actor=str(actor),
    )
    if agency != case.agency:
        cases.transfer(actor, case.pk, agency, reason)
    elif not reason.strip():
        raise Invalid(_("Say why."), code="no_reason", field="reason")
    return report


@transaction.atomic
def reroute(actor: Actor, report_id: int, agency_slug: str, reason: str) -> Case:
    """Gives a report that came to the wrong agency to the right one. Raises Missing, Denied, Conflict, Invalid."""
    agency = Agency.objects.filter(slug=agency_slug).first()
    if agency is None:
        raise Missing(_("There is no such agency."), code="no_such_agency", field="agency")
    return cases.transfer(actor, report_id, agency, reason)


@transaction.atomic
def split(actor: Actor, report_id: int, category_slug: str, text: str) -> Report:
    """Makes a report of its own of what another one also tells. It has the same place and reporter, and its own case.

    Raises Denied, Missing, Invalid.
    """
    case = cases.locked(report_id)
    require(actor, WORK, case)
    whole, category = Report.objects.get(pk=report_id), chosen(category_slug)
    agency, hours = routing.route(category, whole.zone, whole.point, text)
    part = cases.open_case(
        actor, "reports", agency, timedelta(hours=hours), calendar=category.calendar, split_from=case
    )
    copied = ("language", "point", "address", "zone", "via", "source", "person_id", "name", "email", "phone", "public")
    report = Report(
        case=part,
        category=category,
        text=checked_text(text),
        secret=digest(new_secret()),
        filed_at=part.opened_at,
        changed_at=part.opened_at,
        **{name: getattr(whole, name) for name in copied},
    )
    set_shown(report, category)
    report.save(force_insert=True)
    cases.note(actor, case, "split", {"into": part.pk})
    follow_up(report, part, [], actor)
    return report


@transaction.atomic
def merge(actor: Actor, report_ids: list[int], into_id: int) -> None:
    """Merges reports of the same thing into one: their reporters count there, and hear that they were joined."""
    merging = sorted(set(report_ids) - {into_id})
    # Cases before reports, and each in order: nobody who merges crosswise waits for another for ever.
    for number in sorted({*merging, into_id}):
        cases.locked(number)
    list(Report.objects.select_for_update(of=("self",)).filter(pk__in=[*merging, into_id]).order_by("pk"))
    for report_id in merging:
        _merge_one(actor, report_id, into_id)
    _count_supporters(into_id)


def _merge_one(actor: Actor, report_id: int, into_id: int) -> None:
    there = Supporter.objects.filter(report_id=into_id)
    moved = list(
        Supporter.objects.filter(report_id=report_id)
        .exclude(source__in=there.values("source"))
        .values_list("pk", flat=True)
    )
    merged = Report.objects.get(pk=report_id)
    known = there.filter(source=merged.source) | Supporter.objects.filter(pk__in=moved, source=merged.source)
    counts = bool(merged.source) and not known.exists()
    cases.merge(actor, report_id, into_id, data={"supporters": moved, "counted": counts})
    Supporter.objects.filter(pk__in=moved).update(report_id=into_id)
    if counts:
        Supporter.objects.create(report_id=into_id, source=merged.source, person_id=merged.person_id)


def _count_supporters(report_id: int) -> None:
    count = Supporter.objects.filter(report_id=report_id).count()
    Report.objects.filter(pk=report_id).update(supporters_count=count)


@transaction.atomic
def undo(actor: Actor, report_id: int, step: str) -> Case:
    """Takes back a report's last step; what was merged counts its own reporters again.

    Raises Missing, Denied, Conflict where it is too late or something was done with the report since.
    """
    case, data = last_step(actor, report_id, step, aside=STANDS_BESIDE)
    if step == "merge":
        into_id = data["into"]
        list(Report.objects.select_for_update(of=("self",)).filter(pk__in=[report_id, into_id]).order_by("pk"))
        there = Supporter.objects.filter(report_id=into_id)
        there.filter(pk__in=data["supporters"]).update(report_id=report_id)
        if data["counted"]:
            there.filter(source=Report.objects.get(pk=report_id).source).delete()
        for number in (report_id, into_id):
            _count_supporters(number)
    return undo_step(actor, case, step, data)


@transaction.atomic
def hide(actor: Actor, report_id: int, *, hidden: bool) -> Report:
    """Takes a report from the public map and list, or puts it back. Raises Denied, Missing."""
    case = cases.locked(report_id)
    require(actor, WORK, case)
    report = Report.objects.select_related("category").get(pk=report_id)
    if report.public == hidden:
        heat.count(report, -1 if hidden else +1).save(force_insert=True)
        report.public = not hidden
        report.save(update_fields=["public"])
        what = "report.hidden" if hidden else "report.shown"
        append("reports", what, {}, subject=f"case:{case.pk}", actor=str(actor))
    return report


@transaction.atomic
def translate(actor: Actor, report_id: int, text: str) -> Report:
    """Keeps an officer's translation; the resident's own words stay beside it. Raises Denied, Missing, Invalid."""
    case = cases.locked(report_id)
    require(actor, WORK, case)
    Report.objects.filter(pk=report_id).update(translated=checked_text(text))
    append("reports", "report.translated", {}, subject=f"case:{case.pk}", actor=str(actor))
    return Report.objects.get(pk=report_id)


@transaction.atomic
def add_photo(actor: Actor, report_id: int, data: bytes, kind: str) -> Photo:
    """A crew's picture before or after the work. It is looked at like a resident's before it is published."""
    from cityhall.services.reports.tasks import look_at_photos

    case = cases.locked(report_id)
    require(actor, WORK, case)
    if kind not in (Photo.Kind.BEFORE, Photo.Kind.AFTER):
        raise Invalid(_("A crew's photo is from before or after."), code="bad_kind", field="kind")
    media = store(ANONYMOUS, data, purpose="report")
    if not media.width:
        raise Invalid(_("Only pictures can be added."), code="no_picture", field="photo", mend=_("Send a photo."))
    photo = Photo.objects.create(report_id=report_id, media=media, kind=kind)
    append("reports", "report.photo_added", {"kind": kind}, subject=f"case:{case.pk}", actor=str(actor))
    look_at_photos.defer(report_id=report_id)
    return photo


def judge_photo(actor: Actor, photo_id: int, *, publish: bool) -> Photo:
    """An officer's word on a photo that waits: published with what was found blurred, or withheld.

    Raises Missing, Denied, Invalid for a photo that takes too much.
    """
    from cityhall.services.reports import photos

    photo = Photo.objects.select_related("report__case__agency", "media").filter(pk=photo_id).first()
    if photo is None:
        raise Missing(_("There is no such photo."), code="no_such_photo")
    require(actor, WORK, photo.report.case)
    with photos.public_copy(photo) if publish else nullcontext() as copy, transaction.atomic():
        if copy is not None:
            photos.set_public(photo, copy)
        else:
            photo.state, photo.published = Photo.State.WITHHELD, None
        photo.save(update_fields=["state", "published"])
        append(
            "reports",
            "report.photo_judged",
            {"photo": photo.pk, "published": publish},
            subject=f"case:{photo.report_id}",
            actor=str(actor),
        )
    return photo
