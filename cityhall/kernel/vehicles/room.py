"""What the room of vehicles declares."""

from django.utils.translation import gettext_lazy as _

from cityhall.kernel.live import LiveTopic
from cityhall.kernel.people.declares import Desk
from cityhall.kernel.service import Addresses, Api, Check, Service
from cityhall.kernel.work.declares import Runner

ROOM = Service(
    slug="vehicles",
    name=_("Vehicles"),
    summary="What moves, and where it is.",
    app="cityhall.kernel.vehicles",
    declares=(
        Addresses("cityhall.kernel.vehicles.urls:urlpatterns"),
        Api("cityhall.kernel.vehicles.api:router"),
        Check("cityhall.kernel.vehicles.doors.options:check"),
        Desk("receivers", _("Receivers"), "/vehicles/receivers/", "devices.view", icon="locate"),
        LiveTopic("vehicles-", "cityhall.kernel.vehicles.tracking.shown:may_hear"),
        Runner("tracker", "cityhall.kernel.vehicles.tracking.runner:run", compiled="positioning"),
        Runner("receivers", "cityhall.kernel.vehicles.doors.tcp:run"),
        Runner("receivers-mqtt", "cityhall.kernel.vehicles.doors.mqtt:run"),
        Runner("trackers", "cityhall.kernel.vehicles.doors.trackers:run"),
        Runner("caster", "cityhall.kernel.vehicles.doors.caster:run"),
    ),
)
