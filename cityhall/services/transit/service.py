"""Public transport: lines, stops, journeys from door to door, buses live."""

from django.utils.translation import gettext_lazy as _

from cityhall.kernel.deadlines.declares import DeadlineKind
from cityhall.kernel.devices.declares import Door
from cityhall.kernel.indicators.declares import Indicator
from cityhall.kernel.live import LiveTopic
from cityhall.kernel.people.declares import Desk, PersonalData, Role
from cityhall.kernel.places.declares import Layer, Place
from cityhall.kernel.service import Addresses, Api, Check, Load, Service
from cityhall.kernel.work.declares import Runner, Task
from cityhall.services.transit.doors.rules import RULES
from cityhall.services.transit.kinds import KINDS
from cityhall.services.transit.riders.personal import RIDERS_DATA, RIDERS_NAMES
from cityhall.web.declares import Assets, Card, Feed

SERVICE = Service(
    slug="transit",
    name=_("Buses and journeys"),
    summary=_("Plan a journey, find a stop, see where your bus is."),
    award=_("Jeju, Belo Horizonte and George Town"),
    app="cityhall.services.transit",
    icon="bus",
    home="/transit/",
    group="around",
    rank=10,
    declares=(
        Addresses("cityhall.services.transit.urls:urlpatterns"),
        Assets("src/services/transit/main.ts", "src/services/transit/main.css"),
        Assets(style="src/services/transit/front.css", front=True),
        Api("cityhall.services.transit.api:router"),
        Load("cityhall.services.transit.actions:load", outdated="cityhall.services.transit.timetables:outdated"),
        Check("cityhall.services.transit.checks:check"),
        Card("transit/card.html"),
        Layer(
            slug="lines",
            name=_("Lines"),
            kind="line",
            source="cityhall.services.transit.queries:lines_geojson",
            public_fields=("id", "name", "color", "url"),
            labels={"id": _("Number"), "name": _("Line")},
            color="#5b7083",
            visible=True,
        ),
        Layer(
            slug="stops",
            name=_("Stops"),
            kind="point",
            source="cityhall.services.transit.queries:stops_geojson",
            public_fields=("id", "name", "lines", "url"),
            labels={"id": _("Number"), "name": _("Stop"), "lines": _("Lines")},
            color="#0b5cad",
            min_zoom=14,
            visible=True,
        ),
        Layer(
            slug="detours",
            name=_("Detours"),
            kind="line",
            source="cityhall.services.transit.realtime.alerts:detours_geojson",
            public_fields=("id", "name", "url"),
            color="#b3261e",
            visible=True,
        ),
        Layer(
            slug="vehicles",
            name=_("Buses now"),
            kind="point",
            source="cityhall.services.transit.queries:vehicles_geojson",
            public_fields=(
                *("id", "name", "color", "bearing", "speed", "at"),
                *("accuracy", "fix", "status", "delay", "lane"),
            ),
            live="vehicles",
            panel="/transit/buses/{id}/",
            query="cityhall.services.transit.queries:vehicle_rows",
            columns={
                "id": "vehicle__public_id",
                "name": "line",
                "color": "hue",
                "accuracy": "accuracy_m",
                "fix": "fix_class",
                "delay": "delay_s",
            },
            time="at",
            history="cityhall.services.transit.realtime.replay:sightings",
            labels={
                "id": _("Vehicle"),
                "name": _("Line"),
                "at": _("Seen"),
                "bearing": _("Bearing"),
                "speed": _("Metres a second"),
                "lane": _("Lane"),
                "accuracy": _("Accuracy in metres"),
                "fix": _("GNSS fix"),
                "status": _("Status"),
                "delay": _("Late, in seconds"),
            },
            values={
                "status": {
                    "on_route": _("on its route"),
                    "off_route": _("off its route"),
                    "wrong_way": _("going the wrong way"),
                    "unmatched": _("on no known trip"),
                    "reckoned": _("not heard for a moment; estimated"),
                    "lost": _("not heard any more"),
                }
            },
            icon="bus",
            color="#0b5cad",
            visible=True,
        ),
        Layer(
            slug="fleet",
            name=_("Fleet, for dispatchers"),
            kind="point",
            source="cityhall.services.transit.control.board:geojson",
            public_fields=(
                *(
                    "id",
                    "vehicle",
                    "kind",
                    "name",
                    "line",
                    "route",
                    "headsign",
                    "trip",
                    "color",
                    "at",
                    "states",
                    "level",
                ),
                *("delay_s", "speed_kmh", "fix", "accuracy_m", "occupancy", "next_stop", "bearing"),
                *("hold_s", "hold_reason", "ahead_s", "behind_s", "url"),
            ),
            labels={
                "id": _("Vehicle"),
                "line": _("Line"),
                "headsign": _("To"),
                "level": _("State"),
                "delay_s": _("Late, in seconds"),
                "speed_kmh": _("km/h"),
                "next_stop": _("Next stop"),
            },
            unshown=(
                *("url", "color", "vehicle", "name", "route", "trip", "at", "states", "fix", "accuracy_m", "occupancy"),
                *("bearing", "hold_s", "hold_reason", "ahead_s", "behind_s", "kind"),
            ),
            live="fleet-room",
            permission="transit.view_fleet",
            history="cityhall.services.transit.realtime.replay:sightings",
            icon="bus",
            color="#0b5cad",
        ),
        Indicator(
            slug="vehicles",
            name=_("on the road"),
            unit="",
            measure="cityhall.services.transit.queries:vehicles_on_the_road",
            headline=True,
        ),
        Indicator(
            slug="lines",
            name=_("lines"),
            unit="",
            measure="cityhall.services.transit.queries:lines_in_service",
            headline=True,
        ),
        Indicator(
            slug="stops",
            name=_("stops"),
            unit="",
            measure="cityhall.services.transit.queries:stops_in_service",
            headline=True,
        ),
        Feed(
            slug="gtfs",
            name=_("Timetable"),
            standard="GTFS Schedule",
            path="/transit/gtfs.zip",
        ),
        *(
            Feed(
                slug=f"gtfs-rt-{slug}-{form}",
                name=name,
                standard=f"GTFS-Realtime {standard}",
                path=f"/transit/gtfs-rt/{slug}.{form}",
            )
            for slug, name, standard in (
                ("vehicle-positions", _("Where vehicles are"), "VehiclePositions"),
                ("trip-updates", _("When trips come"), "TripUpdates"),
                ("alerts", _("Service alerts"), "ServiceAlerts"),
            )
            for form in ("pb", "json")
        ),
        Feed(
            slug="history",
            name=_("Where vehicles were"),
            standard="Apache Parquet",
            path="/transit/history/",
        ),
        Role("dispatcher", _("Dispatcher"), ("transit.view_fleet", "transit.change_fleet", "transit.change_alert")),
        Role("school", _("School transport officer"), ("transit.link_guardians",)),
        Role("timetable", _("Timetable officer"), ("transit.load_feed",)),
        Desk(
            "fleet",
            _("Fleet room"),
            "/transit/control/",
            "transit.view_fleet",
            icon="bus",
            waiting="cityhall.services.transit.control.episodes:how_many_open",
            waiting_name=_("Out of the ordinary"),
        ),
        Desk("vehicles", _("Vehicles"), "/vehicles/?of=transit", "transit.change_fleet", icon="bus"),
        Desk("alerts", _("Alerts and detours"), "/transit/control/alerts/", "transit.change_alert", icon="warning"),
        Desk("school", _("School buses"), "/transit/school/office/", "transit.link_guardians", icon="user"),
        Door("position", "cityhall.kernel.vehicles.doors.signed:record_positions"),
        LiveTopic("arrivals", "cityhall.kernel.live:everybody"),
        Runner("fleet-room", "cityhall.services.transit.control.room:run", part="worker"),
        *KINDS,
        RULES,
        Runner("vehicle-positions", "cityhall.services.transit.doors.vehicle_positions:run"),
        Runner("riders", "cityhall.services.transit.riders.runner:run", part="worker", compiled="journeys"),
        Runner("arrivals", "cityhall.services.transit.arrivals.predict:run", compiled="journeys"),
        DeadlineKind("guardian_invitation", "cityhall.services.transit.riders.school:invitation_is_over"),
        Task("history", "cityhall.services.transit.realtime.archive:run", cron="25 * * * *"),
        Task("forget_trips", "cityhall.services.transit.riders.following:forget_old", cron="17 * * * *"),
        Task("quality", "cityhall.services.transit.control.quality:hourly", cron="12 * * * *"),
        Task("arrivals", "cityhall.services.transit.arrivals.learn:learn", cron="40 * * * *"),
        PersonalData(RIDERS_DATA, RIDERS_NAMES),
        Place("stop", _("Stop"), "cityhall.services.transit.queries:stop_names"),
    ),
)
