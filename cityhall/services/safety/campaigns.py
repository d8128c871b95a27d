"""Campaigns: planned, guards sent along, whom they spoke to, and what can be said of before and after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet, Sum
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.errors import Conflict, Denied, Invalid, Missing
from cityhall.kernel.journal import append
from cityhall.kernel.notify.sending import holders, send
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.permissions import require
from cityhall.kernel.ports.asking import ask
from cityhall.kernel.ports.lines import LineStop, LineStops
from cityhall.services.safety import patterns
from cityhall.services.safety.comparing import Comparison, compare, least_fall
from cityhall.services.safety.models import Campaign, Contact, Deployment

PLAN, RIDE = "safety.plan_campaign", "safety.ride_unit"
GUARD = "safety.guard"
MOST_DAYS = 366
MOST_AT_ONCE = 500
"""People whom one guard may record at once: more is a slip of the finger."""
TAKE_BACK = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a campaign is to be: where ("" is everywhere), at which hours of the day, and from which day to which."""

    name: str
    begins: date
    ends: date
    line: str = ""
    stop: str = ""
    from_hour: int = 0
    to_hour: int = 24
    days: int = 90
    about: str = ""


@dataclass(frozen=True, slots=True)
class Effect:
    """Reports where and when the campaign was, of `days` before it and after it. `found` None: they are not over yet.

    `least_fall` is the most reports afterwards that would be a real fall, None where no number would be.
    """

    before: int
    until: date
    least_fall: int | None
    found: Comparison | None


@transaction.atomic
def plan(actor: Actor, wanted: Plan) -> Campaign:
    """Plans a campaign. Raises Denied, Invalid, Missing for a line or stop that the timetable does not have."""
    require(actor, PLAN)
    name = wanted.name.strip()
    if not name:
        raise Invalid(_("Give it a name."), code="no_name", field="name")
    if not wanted.begins <= wanted.ends <= wanted.begins + timedelta(days=MOST_DAYS):
        raise Invalid(_("The last day comes after the first, within a year."), code="bad_days", field="ends")
    if not (0 <= wanted.from_hour < 24 and 0 < wanted.to_hour <= 24) or wanted.from_hour == wanted.to_hour:
        raise Invalid(_("These are no hours of a day."), code="bad_hours", field="to_hour")
    if not 7 <= wanted.days <= MOST_DAYS:
        raise Invalid(_("Compare between 7 and %(most)d days.") % {"most": MOST_DAYS}, code="bad_days", field="days")
    line_name, stop_name = _names(wanted.line, wanted.stop)
    made = Campaign.objects.create(
        name=name[:100],
        about=wanted.about.strip()[:500],
        line=wanted.line,
        line_name=line_name[:100],
        stop=wanted.stop,
        stop_name=stop_name[:300],
        from_hour=wanted.from_hour,
        to_hour=wanted.to_hour,
        begins=wanted.begins,
        ends=wanted.ends,
        days=wanted.days,
    )
    append("safety", "campaign.planned", {}, subject=f"campaign:{made.pk}", actor=str(actor))
    return made


def served() -> list[LineStop]:
    """Which line calls where; none where nobody can say."""
    port = ask(LineStops)
    return port() if port else []


def _names(line: str, stop: str) -> tuple[str, str]:
    known = served() if line or stop else []
    lines, stops = {one.line: one.line_name for one in known}, {one.stop: one.stop_name for one in known}
    if line and line not in lines:
        raise Missing(_("There is no such line."), code="no_such_line", field="line")
    if stop and stop not in stops:
        raise Missing(_("There is no such stop."), code="no_such_stop", field="stop")
    return lines.get(line, ""), stops.get(stop, "")


def find(campaign_id: int) -> Campaign:
    """A campaign. Raises Missing."""
    one = Campaign.objects.filter(pk=campaign_id).first()
    if one is None:
        raise Missing(_("There is no such campaign."), code="no_such_campaign")
    return one


@transaction.atomic
def call_off(actor: Actor, campaign_id: int, *, now: datetime | None = None) -> Campaign:
    """Calls a campaign off; twice is once. Raises Denied, Missing."""
    require(actor, PLAN)
    one = find(campaign_id)
    if one.cancelled_at is None:
        one.cancelled_at = now or timezone.now()
        one.save(update_fields=["cancelled_at"])
        append("safety", "campaign.called_off", {}, subject=f"campaign:{one.pk}", actor=str(actor))
    return one


def guards() -> list[tuple[int, str]]:
    """Who may be sent along: (number of the account, name)."""
    return [(person.pk, str(person)) for person in holders(role=GUARD)]


@transaction.atomic
def assign(actor: Actor, campaign_id: int, guard_ids: Sequence[int]) -> int:
    """These guards take part, and no others; those who are new hear of it. Gives how many. Raises Denied, Missing."""
    require(actor, PLAN)
    one = find(campaign_id)
    known = {person.pk: person for person in holders(role=GUARD)}
    unknown = set(guard_ids) - set(known)
    if unknown:
        raise Missing(_("One of them is no guard."), code="no_such_guard", field="guards")
    before = set(one.deployments.values_list("guard_id", flat=True))
    one.deployments.exclude(guard_id__in=guard_ids).delete()
    for number in sorted(set(guard_ids) - before):
        Deployment.objects.create(campaign=one, guard_id=number)
        send(
            known[number],
            _("You take part in the campaign %(name)s"),
            values={"name": one.name},
            url=f"/safety/campaigns/{one.pk}/contacts/",
            key=f"campaign-{one.pk}",
        )
    append(
        "safety", "campaign.assigned", {"guards": len(set(guard_ids))}, subject=f"campaign:{one.pk}", actor=str(actor)
    )
    return len(set(guard_ids))


def own(actor: Actor) -> QuerySet[Campaign]:
    """The campaigns that a guard takes part in, but for those that are over or called off."""
    today = timezone.now().astimezone(settings.CITY.zone).date()
    found = Campaign.objects.filter(deployments__guard_id=actor.person_id or 0, cancelled_at=None)
    return found.filter(ends__gte=today - timedelta(days=1)).order_by("begins")


@transaction.atomic
def record(actor: Actor, campaign_id: int, kind: str, count: int, *, now: datetime | None = None) -> Contact:
    """A guard has spoken to so many. Raises Denied for who does not take part, Missing, Invalid, Conflict."""
    require(actor, RIDE)
    one = find(campaign_id)
    now = now or timezone.now()
    if not one.deployments.filter(guard_id=actor.person_id).exists():
        raise Denied(_("You do not take part in this campaign."), code="not_yours")
    if kind not in Contact.Kind.values:
        raise Invalid(_("Say what it was."), code="no_such_kind", field="kind")
    if not 1 <= count <= MOST_AT_ONCE:
        raise Invalid(_("Between 1 and %(most)d.") % {"most": MOST_AT_ONCE}, code="bad_count", field="count")
    if one.cancelled_at is not None or now.astimezone(settings.CITY.zone).date() < one.begins:
        raise Conflict(_("The campaign is not on."), code="not_on")
    made = Contact.objects.create(campaign=one, guard_id=actor.person_id, kind=kind, count=count, at=now)
    data = {"kind": kind, "count": count, "contact": made.pk}
    append("safety", "campaign.contact", data, subject=f"campaign:{one.pk}", actor=str(actor))
    return made


@transaction.atomic
def take_back(actor: Actor, contact_id: int, *, now: datetime | None = None) -> None:
    """A guard takes back what they have just recorded. Raises Missing for what is not theirs, Conflict later."""
    one = Contact.objects.select_for_update().filter(pk=contact_id, guard_id=actor.person_id or 0).first()
    if one is None:
        raise Missing(_("There is nothing to take back."), code="no_such_contact")
    if (now or timezone.now()) - one.at > TAKE_BACK:
        raise Conflict(_("It is too late to take this back."), code="too_late")
    subject = f"campaign:{one.campaign_id}"
    append("safety", "campaign.contact_taken_back", {"contact": one.pk}, subject=subject, actor=str(actor))
    one.delete()


def contacts(campaign: Campaign) -> list[tuple[str, int]]:
    """How many people were spoken to, by kind."""
    found = campaign.contacts.order_by().values_list("kind").annotate(all=Sum("count"))
    return sorted(((str(Contact.Kind(kind).label), int(count)) for kind, count in found), key=lambda one: -one[1])


def contacts_of_a_month() -> float:
    """People whom guards spoke to in campaigns in the last 30 days (an Indicator)."""
    found = Contact.objects.filter(at__gte=timezone.now() - timedelta(days=30)).aggregate(all=Sum("count"))
    return float(found["all"] or 0)


def effect(campaign: Campaign, *, now: datetime | None = None) -> Effect:
    """What became of the reports where and when the campaign was. For officers: the counts are exact, and small."""
    today = (now or timezone.now()).astimezone(settings.CITY.zone).date()
    length = timedelta(days=campaign.days)
    day, until = timedelta(days=1), campaign.ends + length
    before = _reported(campaign, campaign.begins - length, campaign.begins - day)
    over = today > until
    after = _reported(campaign, campaign.ends + day, until) if over else 0
    return Effect(before, until, least_fall(before), compare(before, after) if over else None)


def _reported(campaign: Campaign, first: date, last: date) -> int:
    found = patterns.reports(first, last)
    if campaign.line:
        found = [one for one in found if one.line == campaign.line]
    if campaign.stop:
        found = [one for one in found if one.stop == campaign.stop]
    return sum(patterns.within(one.hour, campaign.from_hour, campaign.to_hour) for one in found)


def shown(now: datetime | None = None) -> QuerySet[Campaign]:
    """The campaigns that everybody may know of: those that have begun, so that nobody keeps out of the way of one."""
    today = (now or timezone.now()).astimezone(settings.CITY.zone).date()
    return Campaign.objects.filter(begins__lte=today, cancelled_at=None)


def running(actor: Actor) -> int:
    """For the planners' card: campaigns that are on."""
    today = timezone.now().astimezone(settings.CITY.zone).date()
    return Campaign.objects.filter(Q(begins__lte=today) & Q(ends__gte=today), cancelled_at=None).count()
