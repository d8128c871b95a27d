"""Safety: buttons that call for help, the control desk that answers, and the units that it sends."""

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.deadlines.declares import DeadlineKind
from cityhall.kernel.devices.declares import Door, UrgentDoor
from cityhall.kernel.indicators.declares import Indicator
from cityhall.kernel.live import LiveTopic
from cityhall.kernel.people.declares import Desk, PersonalData, Role
from cityhall.kernel.places.declares import Layer
from cityhall.kernel.service import Addresses, Api, Load, Service
from cityhall.kernel.skills.declares import Skill
from cityhall.kernel.vehicles.declares import VehicleKind
from cityhall.kernel.work.declares import Task
from cityhall.services.safety.desk_declares import AT_THE_DESK
from cityhall.services.safety.doors import DOORS
from cityhall.services.safety.harassment import HARASSMENT
from cityhall.services.safety.patrolling import PATROLLING
from cityhall.services.safety.seeing import SEEING
from cityhall.web.declares import Assets, Feed, Mine, PlaceAction, WrongNow

_HERE = "cityhall.services.safety"
_UNTIL = _("until 90 days after the alert is closed")
_TO_HELP = format_lazy("{}; {}", _("to send help"), _UNTIL)
_TO_TELL = format_lazy("{}; {}", _("to tell them of warnings"), _("until they want to be told no more"))
_TO_SPEAK = format_lazy("{}; {}", _("so that caller and desk can speak"), _("until that is over"))
_TO_ANSWER = format_lazy("{}; {}", _("to answer for who did what"), _("until the account is erased"))

SERVICE = Service(
    slug="safety",
    name=_("Call for help"),
    summary=_("Call for help with one press, with or without an account, and see it answered."),
    award=_("Mexico City, Belo Horizonte"),
    app="cityhall.services.safety",
    icon="alarm",
    home="/safety/",
    group="help",
    rank=1,
    verbs=((_("Call for help"), "/safety/"), (_("Follow your call"), "/safety/follow/")),
    declares=(
        Addresses(f"{_HERE}.urls:urlpatterns"),
        Assets("src/services/safety/main.ts", "src/services/safety/main.css", "cityhall/workers/safety.js"),
        Api(f"{_HERE}.api:router"),
        Load(f"{_HERE}.loading:load"),
        UrgentDoor("press", f"{_HERE}.pressing:pressed"),
        Door("heartbeat", f"{_HERE}.buttons:heartbeats"),
        Door("position", "cityhall.kernel.vehicles.doors.signed:record_positions"),
        DeadlineKind("unanswered", f"{_HERE}.escalation:unanswered", many=True),
        DeadlineKind("unsent", f"{_HERE}.escalation:unsent"),
        DeadlineKind("offer", f"{_HERE}.dispatching:lapsed"),
        DeadlineKind("check", f"{_HERE}.dispatching:unchecked"),
        DeadlineKind("voice", f"{_HERE}.voice:lapsed"),
        LiveTopic("safety-desk", f"{_HERE}.stream:may_hear"),
        LiveTopic("safety-call-", f"{_HERE}.stream:may_follow"),
        VehicleKind("patrol", _("patrol"), "safety.see_units", "safety.change_units", hidden=True),
        Layer(
            slug="buttons",
            name=_("Buttons that call for help"),
            kind="point",
            source=f"{_HERE}.layers:buttons",
            public_fields=("id", "name", "kind"),
            labels={"id": _("Number"), "name": _("Name"), "kind": _("Kind")},
            icon="alarm",
            color="#b3261e",
            min_zoom=13,
        ),
        Layer(
            slug="units",
            name=_("Patrols"),
            kind="point",
            source=f"{_HERE}.layers:units",
            public_fields=("id", "name", "bearing", "speed", "at"),
            live="vehicles-patrol",
            permission="safety.see_units",
            color="#1d4ed8",
        ),
        Layer(
            slug="alerts",
            name=_("Open alerts"),
            kind="point",
            source=f"{_HERE}.layers:alerts",
            public_fields=("id", "name", "state", "at"),
            permission="safety.answer_alert",
            panel="/safety/alerts/{id}/",
            color="#d0103a",
            style={"size": 12},
        ),
        Role(
            "operator",
            _("Operator of the control desk"),
            ("safety.answer_alert", "safety.see_units", "safety.work_case"),
        ),
        Role(
            "supervisor",
            _("Supervisor of the control desk"),
            (
                "safety.answer_alert",
                "safety.supervise",
                "safety.see_units",
                "safety.change_units",
                "safety.change_buttons",
                "safety.change_cameras",
                "safety.see_evidence",
                "safety.change_doors",
                "safety.work_case",
                "safety.see_figures",
            ),
        ),
        Role("guard", _("Guard"), ("safety.ride_unit", "safety.see_units")),
        Desk(
            slug="desk",
            name=_("Control desk"),
            home="/safety/desk/",
            permission="safety.answer_alert",
            icon="alarm",
            waiting=f"{_HERE}.queries:waiting",
            late=f"{_HERE}.queries:late",
        ),
        Role("warnings", _("Officer for warnings"), ("safety.draft_warning", "safety.release_warning")),
        Desk(
            slug="warnings",
            name=_("Warnings"),
            home="/safety/warnings/desk/",
            permission="safety.draft_warning",
            icon="warning",
            waiting=f"{_HERE}.warning_pages:drafts_waiting",
            waiting_name=_("Drafts to release"),
        ),
        WrongNow(f"{_HERE}.warning_pages:wrong_now"),
        Feed("warnings", _("Warnings"), "CAP 1.2, Atom", "/safety/warnings/feed.xml"),
        Desk(
            slug="unit",
            name=_("Your unit"),
            home="/safety/unit/",
            permission="safety.ride_unit",
            icon="locate",
            waiting=f"{_HERE}.queries:offered_to",
        ),
        Mine(
            slug="calls",
            name=_("Your calls for help"),
            rows=f"{_HERE}.queries:mine",
            empty=_("You have not called for help."),
            begin="/safety/",
            home="/safety/",
        ),
        PlaceAction(_("Call for help here"), "/safety/?lon={lon}&lat={lat}&place={name}", icon="alarm"),
        Skill(
            slug="help",
            name=_("Call for help"),
            examples=(_("Help, I am in danger"), _("Somebody is following me"), _("I am being harassed on the bus")),
            action=f"{_HERE}.skills:call",
            slots=("text",),
            page="/safety/",
        ),
        Skill(
            slug="follow",
            name=_("Follow your call"),
            examples=(_("What became of my call for help?"),),
            action=f"{_HERE}.skills:follow",
            slots=("text",),
            page="/safety/follow/",
        ),
        Indicator("open", _("open alerts"), "", f"{_HERE}.figures:open_now", better="lower", headline=True),
        Indicator("answered", _("answered within 10 s"), "%", f"{_HERE}.figures:answered_share", headline=True),
        Indicator(
            "arrival",
            _("minutes until a unit is there (median)"),
            "",
            f"{_HERE}.figures:arrival_minutes",
            better="lower",
        ),
        Indicator("working", _("buttons known to work"), "%", f"{_HERE}.figures:working_share"),
        Indicator("false", _("false alarms"), "%", f"{_HERE}.figures:false_share", better="lower"),
        Task("silent", f"{_HERE}.buttons:look_for_silent", "* * * * *", twice=True),
        Task("erase", f"{_HERE}.retention:erase", "43 3 * * *", twice=True),
        PersonalData(
            {
                "Alert.person": _TO_HELP,
                "Alert.phone": _TO_HELP,
                "Alert.point": _TO_HELP,
                "Alert.place": _TO_HELP,
                "Alert.accuracy_m": _TO_HELP,
                "Alert.language": _TO_HELP,
                "Alert.key": _TO_HELP,
                "Alert.code": _TO_HELP,
                "Alert.vehicle": _TO_HELP,
                "Alert.owner": _TO_ANSWER,
                "Alert.closer": _TO_ANSWER,
                "Alert.reviewer": _TO_ANSWER,
                "Line.text": _TO_HELP,
                "Line.data": _TO_HELP,
                "Line.phrase": _TO_HELP,
                "Line.key": _TO_HELP,
                "Line.seen_at": _TO_HELP,
                "Line.translations": _TO_HELP,
                "Line.who": _TO_ANSWER,
                "Voice.offer": _TO_SPEAK,
                "Voice.answer": _TO_SPEAK,
                "Voice.operator": _TO_ANSWER,
                "Repair.text": format_lazy("{}; {}", _("to mend what is broken"), _("as long as the button is known")),
                "Warning.author": _TO_ANSWER,
                "Warning.releaser": _TO_ANSWER,
                "WarningFollower.person": _TO_TELL,
                "WarningFollower.point": _TO_TELL,
                "Shift.person": format_lazy("{}; {}", _("to know who was at the desk"), _("for a year")),
                "Unit.person": format_lazy("{}; {}", _("to tell a crew where to go"), _("as long as they ride in it")),
            },
            names={
                "Alert.point": _("position"),
                "Alert.accuracy_m": _("accuracy of the position"),
                "Alert.language": _("language"),
                "Alert.key": _("key of the press"),
                "Alert.code": _("code that follows it, as a number that cannot be read back"),
                "Alert.person": _("who called"),
                "Alert.vehicle": _("vehicle"),
                "Alert.closer": _("who closed it"),
                "Alert.reviewer": _("who reviewed it"),
                "Line.who": _("who"),
                "Line.data": _("what was done"),
                "Line.key": _("key of the message"),
                "Voice.offer": _("network addresses of the caller's browser"),
                "Voice.answer": _("network addresses of the operator's browser"),
                "Unit.person": _("account of the crew"),
                "Warning.author": _("who drafted it"),
                "Warning.releaser": _("who released it"),
                "WarningFollower.person": _("person"),
                "WarningFollower.point": _("place"),
            },
        ),
        *AT_THE_DESK,
        # Alarm companies and text messages.
        *DOORS,
        # Harassment on public transport: what comes after, campaigns, figures, and ways that others follow.
        *HARASSMENT,
        *PATROLLING,
        # Cameras beside an alert, and what is kept of them.
        *SEEING,
    ),
)
