"""What the room of devices declares."""

from django.utils.translation import gettext_lazy as _

from cityhall.kernel.live import LiveTopic
from cityhall.kernel.people.declares import Role
from cityhall.kernel.service import Api, Check, Service
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
        Check("cityhall.kernel.devices.checks:findings"),
        Check("cityhall.kernel.devices.durable:findings"),
        Runner("silence", "cityhall.kernel.devices.silence:watch"),
        Runner("mqtt", "cityhall.kernel.devices.mqtt:run", needs="MQTT_URL"),
        Runner("urgent", "cityhall.kernel.devices.mqtt:run_urgent", part="urgent", needs="MQTT_URL"),
    ),
)
