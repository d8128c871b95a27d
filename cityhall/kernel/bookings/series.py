"""Series: bookings by a rule, at the same time on the wall clock whatever the season; what it could not have is kept.

An edit changes what is to come and was not changed by itself; never what is past or begun, nor anybody else's.
"""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID, uuid4

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.bookings import actions, keeping, recurring, taking
from cityhall.kernel.bookings.calendars import MINUTES, Calendar, zone_of
from cityhall.kernel.bookings.models import Booking, Occurrence, Part, Resource, Series, State
from cityhall.kernel.errors import CityhallError, Conflict, Denied, Invalid, Missing
from cityhall.kernel.journal import append
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.models import Person
from cityhall.kernel.people.permissions import require


@transaction.atomic
def make(
    resources: keeping.Resources,
    rule: str,
    day: date,
    opens: int,
    minutes: int,
    *,
    who: Person | None,
    key: UUID,
    actor: Actor,
    seats: keeping.Seats = 1,
    note: str = "",
    about: str = "",
) -> Series:
    """Books what can be had of a rule from `day` on, each from the minute `opens` of the day and `minutes` long.

    What could not be had is an `Occurrence` with its reason, an error's code. The same key is the same series. Raises
    Invalid ("bad_rule", "bad_time" and those of `hold`), Conflict ("key_used"; "nothing_free" where nothing was had).
    """
    wanted = keeping.wanted_of(resources, seats)
    wants = taking.locked(wanted, who)
    listed = recurring.days(rule, day)
    _check_time(opens, minutes)
    known = Series.objects.filter(key=key).first()
    if known is not None:
        if (known.person_id, known.rule, known.day) != (who.pk if who else None, rule, day):
            raise Conflict(_("Another series was made with this key."), code="key_used", field="key")
        return known
    zone = zone_of(next(one.resource for one in wants if one.asked))
    made = Series.objects.create(
        key=key,
        person=who,
        wanted=[[number, count] for number, count in sorted(wanted.items())],
        rule=rule,
        zone=zone.key,
        day=day,
        opens=opens,
        minutes=minutes,
        note=note[:500],
        about=about,
        made_at=timezone.now(),
    )
    had = [_occur(made, Occurrence(series=made, day=one), resources, actor) for one in listed]
    if not any(one.booking_id for one in had):
        raise Conflict(
            _("None of these times can be had."), code="nothing_free", field="day", mend=_("Choose another time.")
        )
    _note(made, "series.made", actor, had=sum(1 for one in had if one.booking_id), of=len(had))
    return made


def _check_time(opens: int, minutes: int) -> None:
    if not 0 <= opens < MINUTES or not 0 < minutes <= 7 * MINUTES:
        raise Invalid(_("Say when it begins and how long it is."), code="bad_time", field="begin")


def moments(series: Series, day: date) -> tuple[datetime, datetime]:
    """When the booking of a day begins and ends: at the same time on the wall clock, in summer and in winter."""
    from zoneinfo import ZoneInfo

    calendar = Calendar(ZoneInfo(series.zone))
    return calendar.moment(day, series.opens), calendar.moment(day, series.opens + series.minutes)


def _occur(series: Series, one: Occurrence, resources: keeping.Resources, actor: Actor) -> Occurrence:
    """Books a day's, or notes why not."""
    begin, end = moments(series, one.day)
    try:
        with transaction.atomic():
            one.booking = actions.book(
                resources,
                begin,
                end,
                who=series.person,
                key=uuid4(),
                actor=actor,
                seats=dict(series.wanted),
                note=series.note,
                about=series.about,
            )
        one.refused = ""
    except CityhallError as refusal:
        one.refused = refusal.code[:50]
    one.save()
    return one


@transaction.atomic
def edit(
    series: Series,
    actor: Actor,
    *,
    since: date,
    rule: str | None = None,
    opens: int | None = None,
    minutes: int | None = None,
    note: str | None = None,
) -> Series:
    """Changes what of a series is from the day `since` on and has not begun; what is None stays as it was.

    What was moved or cancelled by itself stays. A booking whose new time cannot be had keeps its old one, and its
    occurrence says why. Raises Invalid ("bad_rule", "bad_time"), Denied, Missing.
    """
    series, resources = _locked(series, actor)
    later = series.opens + series.minutes
    series.rule = series.rule if rule is None else rule
    series.opens = series.opens if opens is None else opens
    series.minutes = series.minutes if minutes is None else minutes
    series.note = series.note if note is None else note[:500]
    _check_time(series.opens, series.minutes)
    wanted = {one for one in recurring.days(series.rule, series.day) if one >= since}
    series.save()
    now = timezone.now()
    ours = _own(series, actor)
    # What moves to later goes from the last on, so that none is in the way of the one before.
    backwards = series.opens + series.minutes > later
    known = {one.day: one for one in series.occurrences.select_related("booking")}
    for day in sorted(wanted | {one for one in known if one >= since}, reverse=backwards):
        one = known.get(day) or Occurrence(series=series, day=day)
        if one.alone or moments(series, day)[0] <= now or (one.booking is not None and one.booking.begin <= now):
            continue
        _change(series, one, day in wanted, list(resources.values()), actor, ours)
    _note(series, "series.edited", actor, since=since.isoformat())
    return series


def _change(series: Series, one: Occurrence, wanted: bool, resources: list[Resource], actor: Actor, ours: bool) -> None:
    """One day of an edit."""
    booking = one.booking
    if booking is None or not booking.is_live:
        if wanted and (booking is None or booking.state == State.CANCELLED):
            _occur(series, one, _asked(series, resources), actor)
        elif booking is None and one.pk:
            one.delete()
        return
    try:
        with transaction.atomic():
            booking, locked = keeping.with_locks(booking, person=True)
            _check_whose(series, booking)
            if wanted:
                actions.shift(booking, locked, *moments(series, one.day), actor, own=ours)
                Booking.objects.filter(pk=booking.pk).update(note=series.note)
            else:
                _take_back(booking, actor, ours)
        one.refused = ""
    except CityhallError as refusal:
        one.refused = refusal.code[:50]
    one.save(update_fields=["refused"])


def _take_back(booking: Booking, actor: Actor, ours: bool) -> None:
    if ours and booking.state == State.CONFIRMED and timezone.now() > booking.free_until:
        raise actions.too_late()
    actions.end_for_good(booking, actor)


def _check_whose(series: Series, booking: Booking) -> None:
    if booking.person_id != series.person_id:
        raise Conflict(_("This is another person's booking."), code="not_of_series")


@transaction.atomic
def end(series: Series, actor: Actor, *, since: date) -> Series:
    """Cancels what of a series is from the day `since` on, has not begun and was not changed by itself.

    What it is too late for stays, and says so. Raises Denied, Missing.
    """
    series, resources = _locked(series, actor)
    ours = _own(series, actor)
    now = timezone.now()
    for one in series.occurrences.select_related("booking").filter(day__gte=since, alone=False):
        if one.booking is None or one.booking.begin > now:
            _change(series, one, False, list(resources.values()), actor, ours)
    series.ended_at = now
    series.save(update_fields=["ended_at"])
    _note(series, "series.ended", actor, since=since.isoformat())
    return series


def _locked(series: Series, actor: Actor) -> tuple[Series, dict[int, Resource]]:
    """The series as it is now, locked after its person and all resources that it or its bookings have."""
    if series.person_id is not None:
        taking.lock_person_anyhow(series.person_id)
    wanted = dict(series.wanted)
    booked = Part.objects.filter(booking__occurrence__series=series.pk).values_list("resource", flat=True)
    resources = taking.lock({*taking.expand(wanted), *booked})
    found = Series.objects.select_for_update(of=("self",)).select_related("person").filter(pk=series.pk).first()
    if found is None:
        raise Missing(_("There is no such series."), code="no_such_series")
    if not _own(found, actor) and actor.kind != "system":
        for resource in _asked(found, list(resources.values())):
            if not resource.permission:
                raise Denied(_("This is another person's series."), code="denied")
            require(actor, resource.permission, resource.scope or None)
    return found, resources


def _own(series: Series, actor: Actor) -> bool:
    return actor.person_id is not None and actor.person_id == series.person_id


def _asked(series: Series, resources: list[Resource]) -> list[Resource]:
    asked = {number for number, _seats in series.wanted}
    return [one for one in resources if one.pk in asked]


def _note(series: Series, what: str, actor: Actor, **data: object) -> None:
    append("bookings", what, dict(data), subject=series.ref, actor=str(actor))
