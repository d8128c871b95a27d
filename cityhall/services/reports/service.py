"""Reports: residents tell the city what is wrong, and follow it until it is mended."""

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.cases.workflow import State
from cityhall.kernel.indicators.declares import Indicator
from cityhall.kernel.people.declares import Desk, PersonalData, Role
from cityhall.kernel.places.declares import Layer
from cityhall.kernel.ports.declares import Provides
from cityhall.kernel.ports.reported import ReportedNear
from cityhall.kernel.service import Addresses, Api, Load, Service
from cityhall.kernel.skills.declares import Page, Skill
from cityhall.kernel.work.declares import Task
from cityhall.web.declares import Assets, Feed, Mine, PlaceAction, WrongNow

_AGENCIES = "cityhall.kernel.cases.queries:agency_scopes"
_QUERIES = "cityhall.services.reports.queries"
_TASKS = "cityhall.services.reports.tasks"
_UNTIL = _("until a year after the report is done")
_TO_TELL = format_lazy("{}; {}", _("to tell the reporter what happens"), _UNTIL)
_TO_MEND = format_lazy("{}; {}", _("to mend what is reported"), _UNTIL)
_FLOODS = format_lazy("{}; {}", _("to tell floods from many reporters"), _("for 30 days"))
_OWN_VIEW = format_lazy("{}; {}", _("to give officers their own view"), _("until they delete it"))

SERVICE = Service(
    slug="reports",
    name=_("Reports"),
    summary=_("Report what is broken, dirty or dangerous, and follow it until it is mended."),
    award=_("Jakarta"),
    app="cityhall.services.reports",
    icon="warning",
    home="/reports/",
    group="help",
    rank=10,
    verbs=((_("Report something"), "/reports/new/"), (_("See what others reported"), "/reports/")),
    declares=(
        Addresses("cityhall.services.reports.urls:urlpatterns"),
        Assets(
            script="src/services/reports/main.ts",
            style="src/services/reports/main.css",
            worker="cityhall/workers/reports.js",
        ),
        Assets("src/services/reports/front.ts", front=True),
        Api("cityhall.services.reports.api:router"),
        Load("cityhall.services.reports.categories:load"),
        WrongNow("cityhall.services.reports.mine:wrong_now"),
        Mine(
            slug="reports",
            name=_("Your reports"),
            rows="cityhall.services.reports.mine:reports",
            empty=_("Nothing was reported yet. Is something broken, dirty or dangerous? Tell the city."),
            begin="/reports/new/",
            home="/reports/sent/",
            icon="camera",
            device="reports/mine_sent.html",
        ),
        Provides(ReportedNear, f"{_QUERIES}:reported_near"),
        Layer(
            slug="open",
            name=_("Reports"),
            kind="point",
            source=f"{_QUERIES}:reports_geojson",
            query=f"{_QUERIES}:public_rows",
            public_fields=("id", "name", "category", "color", "state", "at", "supporters"),
            time="at",
            panel="/reports/{id}/",
            labels={
                "id": _("Number"),
                "category": _("About"),
                "state": _("State"),
                "at": _("Reported"),
                "supporters": _("Others say so too"),
            },
            values={"state": dict(State.choices), "category": "cityhall.services.reports.categories:names"},
            # The name is the category's, in one language for all who read.
            unshown=("url", "color", "name"),
            icon="warning",
            color="#b3261e",
            min_zoom=11,
        ),
        Layer(
            slug="heat",
            name=_("Where reports come from"),
            kind="area",
            source=f"{_QUERIES}:heat_layer",
            public_fields=("count",),
            color="#b3261e",
        ),
        Layer(
            slug="incidents",
            name=_("Incidents"),
            kind="point",
            source=f"{_QUERIES}:incidents_geojson",
            public_fields=("id", "name", "severity", "reporters", "at", "url"),
            icon="warning",
            color="#d0103a",
            labels={
                "id": _("Number"),
                "name": _("About"),
                "severity": _("Severity, 1 to 5"),
                "reporters": _("Independent reporters"),
                "at": _("Began"),
            },
            style={"size": 12},
        ),
        Skill(
            slug="report",
            name=_("Report something"),
            examples=(_("There is a hole in the road"), _("The street light is out"), _("Rubbish was dumped here")),
            action="cityhall.services.reports.chat:file_by_chat",
            slots=("text", "place"),
            page="/reports/new/",
        ),
        PlaceAction(_("Report something here"), "/reports/new/?address={name}&lon={lon}&lat={lat}", icon="warning"),
        Page(
            _("Reports from this device"),
            "/reports/sent/",
            _("How far the city is with them."),
            (_("my reports, my complaints, follow a report"),),
            icon="check",
        ),
        Indicator("open", _("open"), "", f"{_QUERIES}:open_reports", better="lower", headline=True),
        Indicator("today", _("in 24 hours"), "", f"{_QUERIES}:filed_today", better="lower", headline=True),
        Indicator("in_time", _("resolved in time"), "%", f"{_QUERIES}:on_time_share"),
        Feed(
            slug="open311",
            name=_("Reports"),
            standard="Open311 GeoReport v2",
            path="/reports/open311/v2/requests.json",
        ),
        Role("officer", _("Officer for reports"), ("reports.view_desk", "reports.work_case"), scopes=_AGENCIES),
        Role("router", _("Officer for routing"), ("reports.view_desk", "reports.change_rules")),
        Task("fold", f"{_TASKS}:fold_counts", "* * * * *", twice=True),
        Task("sense", f"{_TASKS}:sense", "* * * * *", twice=True),
        Task("mail", "cityhall.services.reports.mail:collect", "* * * * *", twice=True),
        Task("other_cities", "cityhall.services.reports.open311.client:read_all_back", "*/15 * * * *", twice=True),
        Task("learn", f"{_TASKS}:learn", "11 2 * * *", twice=True),
        Task("erase", f"{_TASKS}:erase_personal", "31 3 * * *", twice=True),
        PersonalData(
            {
                "Report.person": _TO_TELL,
                "Report.name": _TO_TELL,
                "Report.email": _TO_TELL,
                "Report.phone": _TO_TELL,
                "Report.text": _TO_MEND,
                "Report.answers": _TO_MEND,
                "Report.point": _TO_MEND,
                "Report.filed_at": _TO_MEND,
                "Report.source": _FLOODS,
                "Supporter.person": _TO_TELL,
                "Supporter.source": _FLOODS,
                "Photo.media": _TO_MEND,
                "Embedding.values": format_lazy("{}; {}", _("to suggest what later reports are about"), _UNTIL),
                "SavedFilter.person": _OWN_VIEW,
                "SavedFilter.query": _OWN_VIEW,
                "RuleSet.author": format_lazy(
                    "{}; {}", _("to know who changed the rules"), _("until the account is erased")
                ),
            },
            names={
                "Report.person": _("person"),
                "Report.answers": _("answers"),
                "Report.point": _("place"),
                "Report.source": _("where it came from, as a number that cannot be read back"),
                "Supporter": _("who says so too"),
                "Supporter.person": _("person"),
                "Supporter.source": _("where it came from, as a number that cannot be read back"),
                "Photo": _("photo"),
                "Photo.media": _("file"),
                "Embedding": _("meaning of a report's text"),
                "Embedding.values": _("numbers"),
                "SavedFilter": _("kept search"),
                "SavedFilter.person": _("person"),
                "SavedFilter.query": _("what is searched for"),
                "RuleSet": _("routing rules"),
                "RuleSet.author": _("author"),
            },
        ),
        Desk(
            "desk",
            _("Reports"),
            "/reports/desk/",
            "reports.view_desk",
            icon="warning",
            waiting="cityhall.services.reports.inbox:open_for",
            late="cityhall.services.reports.inbox:late_for",
        ),
    ),
)
