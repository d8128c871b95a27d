"""What the service declares of harassment on public transport, and of ways that others follow (see `service.py`)."""

from django.utils.translation import gettext_lazy as _

from cityhall.kernel.deadlines.declares import DeadlineKind
from cityhall.kernel.indicators.declares import Indicator
from cityhall.kernel.people.declares import Desk, PersonalData, Role, kept
from cityhall.kernel.service import Check
from cityhall.kernel.skills.declares import Page, Skill
from cityhall.kernel.work.declares import Task
from cityhall.web.declares import Feed

_HERE = "cityhall.services.safety"
_NEXT = kept(_("to do what whoever called wants next"), _("until 90 days after the alert is closed"))
_FOLLOWED = kept(_("so that trusted people can follow the way"), _("until twelve hours after it is over"))
_PLACE = kept(_("so that trusted people can follow the way"), _("while it goes on"))
_SENT = kept(_("to know who takes part in a campaign"), _("until the account is erased"))

HARASSMENT = (
    DeadlineKind("nearly", f"{_HERE}.escorts:nearly"),
    DeadlineKind("overdue", f"{_HERE}.escorts:overdue"),
    Check(f"{_HERE}.checks:check"),
    Role("campaigns", _("Planner of campaigns"), ("safety.plan_campaign", "safety.see_figures")),
    Role("reader", _("Reader of statements"), ("safety.read_statement",)),
    Desk(
        slug="campaigns",
        name=_("Campaigns"),
        home="/safety/campaigns/plan/",
        permission="safety.plan_campaign",
        icon="user",
        waiting=f"{_HERE}.campaigns:running",
        waiting_name=_("Going on"),
    ),
    Desk(
        slug="statements",
        name=_("Statements"),
        home="/safety/statements/",
        permission="safety.read_statement",
        icon="bell",
        waiting=f"{_HERE}.afterwards:unread",
    ),
    Desk(slug="contacts", name=_("Your campaigns"), home="/safety/campaigns/own/", permission="safety.ride_unit"),
    Desk(slug="figures", name=_("Figures"), home="/safety/figures/", permission="safety.see_figures", icon="table"),
    Skill(
        slug="escort",
        name=_("Have your way followed"),
        examples=(_("Follow me home"), _("Somebody should see that I arrive")),
        action=f"{_HERE}.skills:escort",
        slots=("minutes",),
        page="/safety/escort/",
    ),
    Page(
        _("Campaigns against harassment"),
        "/safety/campaigns/",
        words=(_("harassment on the bus, groping, guards on the bus"),),
        icon="user",
    ),
    Feed("harassment-json", _("Harassment on public transport"), "JSON", "/safety/open/harassment.json"),
    Feed("harassment-csv", _("Harassment on public transport"), "CSV", "/safety/open/harassment.csv"),
    Indicator(
        "contacts", _("people spoken to against harassment in 30 days"), "", f"{_HERE}.campaigns:contacts_of_a_month"
    ),
    Task("publish", f"{_HERE}.releases:make_due", "23 4 * * *", twice=True),
    Task("erase-statements", f"{_HERE}.afterwards:erase", "47 3 * * *", twice=True),
    Task("erase-escorts", f"{_HERE}.escorts:erase", "52 * * * *", twice=True),
    PersonalData(
        {
            "Choice.what": _NEXT,
            "Choice.at": _NEXT,
            "Statement.text": _NEXT,
            "Statement.language": _NEXT,
            "Deployment.guard": _SENT,
            "Contact.guard": _SENT,
            "Escort.person": _FOLLOWED,
            "Escort.name": _FOLLOWED,
            "Escort.own": _FOLLOWED,
            "Escort.watch": _FOLLOWED,
            "Escort.until": _FOLLOWED,
            "EscortFollower.person": _FOLLOWED,
            "EscortFollower.email": _FOLLOWED,
            "EscortFollower.language": _FOLLOWED,
            "EscortFollower.code": _FOLLOWED,
            "Escort.point": _PLACE,
            "Escort.accuracy_m": _PLACE,
            "Escort.point_at": _PLACE,
        },
        names={
            "Escort.own": _("code of the way, as a number that cannot be read back"),
            "Escort.watch": _("code for those who follow, as a number that cannot be read back"),
            "EscortFollower.code": _("code of who is told, as a number that cannot be read back"),
        },
    ),
)
