"""Lifeguards: where their patrols are, and poles on the beach with a button that calls them."""

from django.utils.translation import gettext_lazy as _

from cityhall.kernel.deadlines.declares import DeadlineKind
from cityhall.kernel.devices.declares import Door, UrgentDoor
from cityhall.kernel.indicators.declares import Indicator
from cityhall.kernel.journal.declares import Follower
from cityhall.kernel.people.declares import Desk, PersonalData, Role, kept
from cityhall.kernel.places.declares import Layer
from cityhall.kernel.service import Addresses, Load, Service
from cityhall.kernel.skills.declares import Skill
from cityhall.kernel.vehicles.declares import VehicleKind
from cityhall.web.declares import Assets, Findable, Mine, WrongNow

_ON_DUTY = kept(_("to send the nearest patrol"), _("until they lay the beacon down"))
_FOLLOWED = kept(_("to tell who bathes there when a beach is closed"), _("until they want to be told no more"))

SERVICE = Service(
    slug="lifeguards",
    name=_("Lifeguards"),
    summary=_("Who watches over the beach, and where to call them."),
    app="lifeguards",
    icon="locate",
    home="/lifeguards/",
    group="help",
    rank=40,
    verbs=((_("See where you can swim"), "/lifeguards/"), (_("Be told when a beach closes"), "/lifeguards/#beaches")),
    declares=(
        Addresses("lifeguards.pages:urlpatterns"),
        Assets("lifeguards/main.js", "lifeguards/main.css"),
        Load("lifeguards.actions:load"),
        Layer(
            slug="poles",
            name=_("Poles that call a lifeguard"),
            kind="point",
            source="lifeguards.queries:poles",
            public_fields=("id", "name"),
            visible=True,
        ),
        Layer(
            slug="patrols",
            name=_("Patrols"),
            kind="point",
            source="lifeguards.queries:patrols",
            public_fields=("id", "name", "at"),
            live="lifeguards-patrols",
            permission="lifeguards.view_patrols",
            color="#c2410c",
        ),
        VehicleKind("boat", _("rescue boat"), "lifeguards.view_boats", "lifeguards.change_boats", hidden=True),
        Door("position", "cityhall.kernel.vehicles.doors.signed:record_positions"),
        Layer(
            slug="boats",
            name=_("Rescue boats"),
            kind="point",
            source="lifeguards.queries:boats",
            public_fields=("id", "name", "bearing", "speed", "at"),
            live="vehicles-boat",
            permission="lifeguards.view_boats",
            color="#0f766e",
        ),
        Door("place", "lifeguards.actions:moved"),
        UrgentDoor("press", "lifeguards.actions:pressed"),
        DeadlineKind("unanswered", "lifeguards.actions:unanswered"),
        Role("coast", _("Coast desk"), ("lifeguards.view_patrols", "lifeguards.work_case", "lifeguards.close_beach")),
        Role(
            "chief",
            _("Chief of the coast"),
            ("lifeguards.view_patrols", "lifeguards.work_case", "lifeguards.view_boats", "lifeguards.change_boats"),
        ),
        Role("guard", _("Lifeguard"), ("lifeguards.carry_beacon",)),
        Desk(
            slug="coast",
            name=_("Coast desk"),
            home="/lifeguards/desk/",
            permission="lifeguards.view_patrols",
            waiting="lifeguards.queries:waiting",
            late="lifeguards.queries:late",
        ),
        PersonalData({"Patrol.guard": _ON_DUTY, "Patrol.point": _ON_DUTY, "Patrol.seen_at": _ON_DUTY}),
        PersonalData(
            {"Follow.person": _FOLLOWED, "Follow.beach": _FOLLOWED},
            names={"Follow": _("followed beach"), "Follow.person": _("person"), "Follow.beach": _("beach")},
        ),
        WrongNow("lifeguards.shown:wrong_now"),
        Mine(
            slug="beaches",
            name=_("Your beaches"),
            rows="lifeguards.shown:mine",
            empty=_("You follow no beach. Who follows one is told when it is closed."),
            begin="/lifeguards/#beaches",
            home="/lifeguards/",
        ),
        Findable("beaches", _("Beaches"), "lifeguards.shown:beaches"),
        Indicator("out", _("patrols on the beach"), "", "lifeguards.queries:out", headline=True),
        Follower("lifeguards.consents", "lifeguards.actions:forget_places", streams=("people",)),
        Indicator("in_time", _("alarms answered in a minute"), "%", "lifeguards.queries:in_time", headline=True),
        Skill(
            slug="watched",
            name=_("Ask for lifeguards"),
            examples=(_("Is there a lifeguard on the beach?"), _("Where can I swim safely?")),
            action="lifeguards.queries:watched",
            page="/lifeguards/",
        ),
    ),
)
