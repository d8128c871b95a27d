"""What the room of devices declares."""

from django.utils.translation import gettext_lazy as _

from cityhall.kernel.live import LiveTopic
from cityhall.kernel.people.declares import Role
from cityhall.kernel.service import Api, Service
from cityhall.kernel.work.declares import Runner

ROOM = Service(
    slug="devices",
    name="Devices",
    summary="Registry, keys, signed messages, silence.",
    app="cityhall.kernel.devices",
    declares=(
        Api("cityhall.kernel.devices.api:router"),
        Role(
            "technician",
            _("Technician of devices"),
            ("devices.view", "devices.manage"),
            scopes="cityhall.kernel.devices.registry:service_scopes",
        ),
        LiveTopic("devices", "cityhall.kernel.devices.silence:may_hear"),
        Runner("silence", "cityhall.kernel.devices.silence:watch"),
        Runner("mqtt", "cityhall.kernel.devices.mqtt:run", needs="MQTT_URL"),
    ),
)
