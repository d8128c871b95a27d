"""Filing a report: the one action behind the page, the API, Open311, e-mail, chat and the import of single reports."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.cases.actions import open_case
from cityhall.kernel.cases.models import Case
from cityhall.kernel.errors import CityhallError, Invalid
from cityhall.kernel.journal import append
from cityhall.kernel.media.models import Media
from cityhall.kernel.media.storing import Made, keep, made
from cityhall.kernel.people.actors import ANONYMOUS, Actor
from cityhall.kernel.places import geocoder, zones
from cityhall.kernel.places.cells import cell_of, center
from cityhall.kernel.places.point import Point
from cityhall.services.reports import heat, limits, routing
from cityhall.services.reports.categories import chosen
from cityhall.services.reports.following import digest, new_secret
from cityhall.services.reports.models import Category, Photo, Report
from cityhall.services.reports.questions import Answers, answered

MOST_PHOTOS = 4
LONGEST = 4000
"""Characters of a description, as Open311 has it."""
OUTSIDE = 0.02
"""Degrees outside the city's bounds that still count as the city: a report from a border road is welcome."""


@dataclass(frozen=True, slots=True)
class Filing:
    """What is reported. Without `lon` and `lat` the place is the one the camera wrote into the first photo.

    `named`: the signed-in account shall stand as the reporter; else the report is nobody's. `key` makes a second
    sending of the same filing give the first report (see following.new_secret). `answers` to the category's questions
    by their code; None where the door could not ask them.
    """

    category: str
    text: str = ""
    lon: float | None = None
    lat: float | None = None
    photos: tuple[bytes, ...] = ()
    address: str = ""
    named: bool = False
    name: str = ""
    email: str = ""
    phone: str = ""
    language: str = ""
    answers: Answers | None = None
    elsewhere: dict[str, str] = field(default_factory=dict)
    via: str = Report.Via.WEB
    key: str = ""
    source: str = ""
    per_hour: int | None = None
    public: bool = True


@dataclass(frozen=True, slots=True)
class Filed:
    """The report and the secret of its link. `again`: it was there already, filed with the same key."""

    report: Report
    secret: str = field(repr=False)
    again: bool = False


def file_report(actor: Actor, filing: Filing) -> Filed:
    """Files a report, in one transaction; the same key a second time files nothing.

    What costs little is looked at first, photos are made ready before the transaction, and what is refused leaves no
    file. Raises Invalid for what cannot be right, TooMany for a flood from one source, and what media refuses of a
    photo; each refusal is counted.
    """
    try:
        secret = new_secret(filing.key)
        known = _filed(filing.key) if filing.key else None
        if known is not None:
            return Filed(known, secret, again=True)
        limits.check(filing.source, filing.per_hour)
        limits.attempt(filing.source, len(filing.photos), filing.per_hour)
        category = chosen(filing.category)
        _check(filing, category)
        try:
            with made(filing.photos, patient=filing.via == Report.Via.EMAIL) as photos:
                return Filed(_with_photos(actor, filing, secret, category, photos), secret)
        except IntegrityError:
            # The same filing came in by two connections at once: the constraint let one through.
            known = _filed(filing.key) if filing.key else None
            if known is None:
                raise
            return Filed(known, secret, again=True)
    except CityhallError as problem:
        limits.count_refused(problem.code)
        raise


def _filed(key: str) -> Report | None:
    return Report.objects.select_related("category", "case").filter(key=digest(key)).first()


def _check(filing: Filing, category: Category) -> None:
    """All that can be said of a filing before its photos are looked at, which costs. Raises Invalid."""
    text = checked_text(filing.text)
    if len(filing.photos) > MOST_PHOTOS:
        raise Invalid(
            _("These are too many photos."),
            code="too_many_photos",
            field="photo",
            mend=_("Send at most %(most)d.") % {"most": MOST_PHOTOS},
        )
    if (filing.lon is not None and filing.lat is not None) or not filing.photos:
        _place(filing, [])
    if not text and not filing.photos:
        raise Invalid(
            _("Say or show what it is."), code="empty", field="text", mend=_("Write a few words, or add a photo.")
        )
    answered(category, filing.answers)


def _with_photos(actor: Actor, filing: Filing, secret: str, category: Category, photos: list[Made]) -> Report:
    if any(not one.width for one in photos):
        raise Invalid(_("Only pictures can be added."), code="no_picture", field="photo", mend=_("Send a photo."))
    place = _place(filing, photos)
    limits.keep_bytes(filing.source, sum(one.size for one in photos))
    # Before the transaction, in which they would be read anew each time.
    rules, outlines = routing.in_service(), zones.outlines()
    with transaction.atomic():
        return _file(actor, filing, secret, category, place, photos, rules, outlines)


def _file(
    actor: Actor,
    filing: Filing,
    secret: str,
    category: Category,
    place: Point,
    photos: list[Made],
    rules: list[routing.Rule],
    outlines: zones.Outlines,
) -> Report:
    text = checked_text(filing.text)
    owner = actor if filing.named else ANONYMOUS
    zone = zones.zone_at(*place, among=outlines)
    agency, hours = routing.route(category, zone.slug if zone else "", place, text, rules)
    case = open_case(owner, "reports", agency, timedelta(hours=hours), calendar=category.calendar)
    report = Report(
        case=case,
        category=category,
        text=text,
        language=filing.language or actor.language or settings.LANGUAGE_CODE,
        point=place,
        address=plain(filing.address)[:300] or address_of(place)[:300],
        zone=zone.slug if zone else "",
        answers=answered(category, filing.answers),
        elsewhere={name: plain(value) for name, value in filing.elsewhere.items()},
        via=filing.via,
        public=filing.public,
        source=filing.source,
        person_id=actor.person_id if filing.named else None,
        name=plain(filing.name)[:150],
        email=plain(filing.email)[:254],
        phone=plain(filing.phone)[:50],
        secret=digest(secret),
        key=digest(filing.key) if filing.key else None,
        filed_at=case.opened_at,
        changed_at=case.opened_at,
    )
    set_shown(report, category)
    report.save(force_insert=True)
    kept = [keep(owner, one, purpose="report") for one in photos]
    Photo.objects.bulk_create(Photo(report=report, media=media) for media in kept)
    follow_up(report, case, kept, owner)
    return report


def follow_up(report: Report, case: Case, photos: list[Media], actor: Actor) -> None:
    """What a new report brings about: its count on the map, its event, the look at its photos."""
    from cityhall.services.reports.tasks import look_at_photos

    if report.public:
        heat.count(report, +1).save(force_insert=True)
    append(
        "reports",
        "report.filed",
        {"category": report.category.slug, "agency": case.agency.slug, "via": report.via, "cell": f"{report.cell:x}"},
        subject=f"case:{case.pk}",
        actor=str(actor),
    )
    if photos:
        look_at_photos.defer(report_id=report.pk)


def set_shown(report: Report, category: Category) -> None:
    """What the public may see of the place: the place itself, or the middle of the cell it lies in."""
    if category.sensitive:
        report.shown = Point(*center(cell_of(*report.point, heat.SENSITIVE)))
    else:
        report.shown = report.point
    report.cell = cell_of(*report.shown, heat.FINE)


def address_of(place: Point) -> str:
    """The nearest name of a place, "" where none is near."""
    found = geocoder.here(*place)
    return "" if found.kind == "point" else geocoder.label(found)


def checked_text(text: str) -> str:
    text = plain(text)
    if len(text) > LONGEST:
        raise Invalid(
            _("The description is too long."),
            code="too_long",
            field="text",
            mend=_("Write at most %(most)d characters.") % {"most": LONGEST},
        )
    return text


def plain(text: str) -> str:
    """Without NUL, which PostgreSQL does not take; all else is kept as written, and escaped where it is shown."""
    return text.replace("\0", "").strip()


def _place(filing: Filing, photos: list[Made]) -> Point:
    here: Any = (filing.lon, filing.lat)
    if filing.lon is None or filing.lat is None:
        here = next((one.position for one in photos if one.position), None)
    if here is None:
        raise Invalid(
            _("A place is missing."),
            code="missing_place",
            field="place",
            mend=_("Press on the map where it is, or type the address."),
        )
    west, south, east, north = settings.CITY.bounds
    lon, lat = float(here[0]), float(here[1])
    if not (west - OUTSIDE <= lon <= east + OUTSIDE and south - OUTSIDE <= lat <= north + OUTSIDE):
        raise Invalid(
            _("This place is not in the city."),
            code="outside",
            field="place",
            mend=_("Press on the map where it is."),
        )
    return Point(lon, lat)
