"""What the room of notifications declares."""

from django.utils.translation import gettext_lazy as _

from cityhall.kernel.people.declares import PersonalData, kept
from cityhall.kernel.service import Addresses, Service
from cityhall.kernel.skills.declares import Page
from cityhall.kernel.work.declares import Task

_ACCOUNT = _("until the account is erased")
_TOLD = kept(_("to tell the person"), _("until 180 days after it was read"))
_BROWSER = kept(_("to reach the person's browser"), _("until it unsubscribes"))
_CHANNELS = kept(_("to use the wanted channels only"), _ACCOUNT)

ROOM = Service(
    slug="notify",
    name=_("Messages to you"),
    summary="One message, many channels.",
    app="cityhall.kernel.notify",
    declares=(
        Addresses("cityhall.kernel.notify.urls:urlpatterns", prefix="inbox"),
        Page(
            _("Messages to you"),
            "/inbox/",
            _("What the city has told you."),
            (_("inbox, notifications, alerts, letters, mail from the city"),),
            icon="bell",
        ),
        Task("prune", "cityhall.kernel.notify.tasks:prune", cron="17 3 * * *", twice=True),
        PersonalData(
            {
                "Notification.person": _TOLD,
                "Notification.title": _TOLD,
                "Notification.body": _TOLD,
                "Notification.made": _TOLD,
                "Notification.sent_at": _TOLD,
                "Notification.read_at": _TOLD,
                "PushSubscription.person": _BROWSER,
                "PushSubscription.endpoint": _BROWSER,
                "Preference.person": _CHANNELS,
                "Preference.email": _CHANNELS,
                "Preference.push": _CHANNELS,
            },
            names={"PushSubscription.endpoint": _("address at which the browser is reached")},
        ),
    ),
)
