"""What the service declares of other systems' doors: alarm companies and text messages (see `service.py`)."""

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.devices.declares import UrgentDoor
from cityhall.kernel.people.declares import Desk, PersonalData, kept
from cityhall.kernel.work.declares import Task

_HERE = "cityhall.services.safety"
_TO_HELP = kept(_("to send help"), _("until 90 days after the alert is closed"))
_TO_TELL = format_lazy("{}; {}", _("to tell them of warnings"), _("until they want to be told no more"))

DOORS = (
    UrgentDoor("sms", f"{_HERE}.texts:received"),
    Task("carry", f"{_HERE}.carrying:due", "* * * * *", twice=False),
    Desk(
        slug="doors",
        name=_("Doors of other systems"),
        home="/safety/doors/",
        permission="safety.change_doors",
        icon="alarm",
    ),
    PersonalData(
        {
            "CompanyAlarm.account": _TO_HELP,
            "CompanyAlarm.zone": _TO_HELP,
            "CompanyAlarm.details": _TO_HELP,
            "CompanyMessage.text": _TO_HELP,
            "WarningFollower.phone": _TO_TELL,
        },
        names={"CompanyAlarm": _("alarm of a company"), "CompanyMessage": _("message of an alarm company")},
    ),
)
