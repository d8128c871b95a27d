"""Recycling: fetched at the door, weighed there, and paid with points that fees, shops and bank accounts take."""

from django.utils.translation import gettext_lazy as _

from cityhall.kernel.deadlines.declares import DeadlineKind
from cityhall.kernel.devices.declares import Door
from cityhall.kernel.indicators.declares import Indicator
from cityhall.kernel.live import LiveTopic
from cityhall.kernel.payments.declares import Means, PayoutHook
from cityhall.kernel.people.declares import Desk, Role
from cityhall.kernel.places.declares import Layer
from cityhall.kernel.service import Addresses, Api, Load, Service
from cityhall.kernel.skills.declares import Page, Skill
from cityhall.kernel.vehicles.declares import VehicleKind
from cityhall.kernel.work.declares import Task
from cityhall.services.recycling.desk_declares import DESK, OFFICER
from cityhall.services.recycling.personal import PERSONAL
from cityhall.services.recycling.workflow import State
from cityhall.web.declares import Assets, Findable, Mine, PlaceAction

_HERE = "cityhall.services.recycling"

SERVICE = Service(
    slug="recycling",
    name=_("Recycling"),
    summary=_("Have your recycling fetched and weighed, and pay with its points."),
    award=_("Mashhad"),
    app=_HERE,
    icon="swap",
    home="/recycling/",
    group="pay",
    rank=10,
    verbs=((_("Have recycling fetched"), "/recycling/ask/"), (_("Spend your points"), "/recycling/points/")),
    declares=(
        Addresses(f"{_HERE}.urls:urlpatterns"),
        Assets("src/services/recycling/main.ts", "src/services/recycling/main.css", "cityhall/workers/recycling.js"),
        Api(f"{_HERE}.api:router"),
        Load(f"{_HERE}.loading:load"),
        DeadlineKind("settle", f"{_HERE}.contesting:settle"),
        Task("rounds", f"{_HERE}.evening:plan_ahead", cron="7 * * * *", twice=True),
        DeadlineKind("fee", f"{_HERE}.fees:due"),
        Door("weighing", f"{_HERE}.weighing:by_device"),
        LiveTopic("recycling-account-", f"{_HERE}.chat:may_hear"),
        PayoutHook("recycling", f"{_HERE}.settlements:payout_given_up"),
        Means(
            "points",
            _("Points for recycling"),
            "/recycling/points/fees/{bill}/",
            f"{_HERE}.spending:payable",
            f"{_HERE}.spending:fee_given_back",
        ),
        VehicleKind("truck", _("collection truck"), "recycling.see_demand", "recycling.change_trucks"),
        Layer(
            slug="points",
            name=_("Drop-off points"),
            kind="point",
            source=f"{_HERE}.queries:points_layer",
            public_fields=("id", "name", "kind", "materials", "hours"),
            labels={
                "id": _("Number"),
                "name": _("Name"),
                "kind": _("Kind"),
                "materials": _("Takes"),
                "hours": _("Open"),
            },
            values={"kind": {"point": _("drop-off point"), "machine": _("machine")}},
            icon="swap",
            color="#1a7f4b",
            min_zoom=11,
        ),
        Layer(
            slug="demand",
            name=_("Pickups that are open"),
            kind="point",
            source=f"{_HERE}.queries:demand_layer",
            public_fields=("id", "state", "begin"),
            live="recycling-demand",
            permission="recycling.see_demand",
            labels={"id": _("Number"), "state": _("State"), "begin": _("Window")},
            values={"state": dict(State.choices)},
            icon="swap",
            color="#9a5b00",
        ),
        Layer(
            slug="trucks",
            name=_("Collection trucks"),
            kind="point",
            source=f"{_HERE}.queries:trucks_layer",
            public_fields=("id", "name", "bearing", "speed", "at"),
            live="vehicles-truck",
            permission="recycling.see_demand",
            icon="bus",
            color="#1d4ed8",
        ),
        Layer(
            slug="rounds",
            name=_("Today's rounds"),
            kind="line",
            source=f"{_HERE}.queries:rounds_layer",
            public_fields=("id", "name", "left"),
            permission="recycling.see_demand",
            labels={"id": _("Number"), "name": _("Truck"), "left": _("Stops left")},
            color="#7a3fb0",
        ),
        Skill(
            slug="pickup",
            name=_("Ask for a pickup"),
            examples=(_("Fetch my old paper"), _("When does the recycling truck come?")),
            action=f"{_HERE}.chat:pickup",
            slots=("place",),
            page="/recycling/ask/",
        ),
        Skill(
            slug="points",
            name=_("Your points"),
            examples=(_("How many recycling points do I have?"), _("What are my points worth?")),
            action=f"{_HERE}.chat:own_points",
            page="/recycling/points/",
        ),
        Skill(
            slug="where",
            name=_("Where to bring recycling"),
            examples=(_("Where can I bring glass bottles?"), _("A bottle machine near me")),
            action=f"{_HERE}.chat:where",
            slots=("material", "place"),
            page="/recycling/where/",
        ),
        Page(
            _("Drop-off points"),
            "/recycling/where/",
            _("Where to bring glass, cans, paper and plastic, and what each place takes."),
            (_("recycling, glass, cans, bottle bank, paper, container, deposit machine, waste separation"),),
            icon="swap",
        ),
        PlaceAction(_("Have recycling fetched here"), "/recycling/ask/?q={name}&lon={lon}&lat={lat}", icon="swap"),
        Findable("recycling", _("Recycling"), f"{_HERE}.mine:findable"),
        Mine(
            slug="recycling",
            name=_("Your recycling"),
            rows=f"{_HERE}.mine:rows",
            empty=_("Nothing of yours was fetched or weighed yet."),
            begin="/recycling/ask/",
            home="/recycling/pickups/",
            icon="swap",
        ),
        Indicator("kilograms", _("kilograms recycled in 30 days"), "kg", f"{_HERE}.figures:kilograms", headline=True),
        Indicator("participation", _("who took part in 30 days"), "%", f"{_HERE}.figures:participation"),
        Indicator("kept", _("promised windows kept"), "%", f"{_HERE}.figures:kept_windows"),
        Indicator("spent", _("points that were spent"), "%", f"{_HERE}.figures:spent_share"),
        Indicator("fees", _("of them for the waste fee"), "%", f"{_HERE}.figures:fee_share"),
        Role("crew", _("Crew of a collection truck"), ("recycling.drive_round", "recycling.see_demand")),
        Role(
            "officer",
            _("Officer for recycling"),
            (
                *("recycling.drive_round", "recycling.decide_weight", "recycling.change_accounts"),
                *("recycling.see_demand", "recycling.change_trucks"),
                *OFFICER,
            ),
        ),
        Role("shop", _("Partner shop"), ("recycling.redeem_voucher",), scopes=f"{_HERE}.queries:partner_scopes"),
        Desk(
            "round",
            _("Collection round"),
            "/recycling/round/",
            "recycling.drive_round",
            icon="swap",
            waiting=f"{_HERE}.queries:today_waiting",
            waiting_name=_("Stops today"),
        ),
        Desk(
            "desk",
            _("Recycling"),
            "/recycling/desk/",
            "recycling.decide_weight",
            icon="swap",
            waiting=f"{_HERE}.queries:waiting",
            late=f"{_HERE}.queries:late",
        ),
        Desk("shop", _("Vouchers"), "/recycling/shop/", "recycling.redeem_voucher", icon="star"),
        *DESK,
        PERSONAL,
    ),
)
