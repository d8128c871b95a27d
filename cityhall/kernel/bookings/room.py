"""What the room of bookings declares."""

from django.utils.translation import gettext_lazy as _

from cityhall.kernel.deadlines.declares import DeadlineKind
from cityhall.kernel.people.declares import PersonalData, kept
from cityhall.kernel.service import Addresses, Service
from cityhall.kernel.work.declares import Task

_KEPT = _("until a year after it, or as long as its resource says")
_WHOSE = kept(_("to know whose booking it is, and to keep limits"), _KEPT)
_SAID = kept(_("to prepare what was booked"), _KEPT)
_WAITS = kept(_("to offer it in order"), _("until 30 days after it"))
_SERIES = kept(_("to know whose series it is"), _("until the account is erased"))

ROOM = Service(
    slug="bookings",
    name=_("Bookings"),
    summary="Resources with calendars and seats; nothing is given twice.",
    app="cityhall.kernel.bookings",
    declares=(
        Addresses("cityhall.kernel.bookings.urls:urlpatterns"),
        DeadlineKind("hold", "cityhall.kernel.bookings.actions:expired"),
        DeadlineKind("freed", "cityhall.kernel.bookings.waiting:freed"),
        Task("look_again", "cityhall.kernel.bookings.waiting:look_again", cron="*/5 * * * *", twice=True),
        Task("forget", "cityhall.kernel.bookings.retention:forget", cron="25 3 * * *", twice=True),
        PersonalData(
            {
                "Booking.person": _WHOSE,
                "Booking.begin": _WHOSE,
                "Booking.end": _WHOSE,
                "Booking.state": _WHOSE,
                "Booking.note": _SAID,
                "Booking.reason": _SAID,
                "Booking.fee_due": _WHOSE,
                "Waiting.person": _WAITS,
                "Waiting.begin": _WAITS,
                "Waiting.end": _WAITS,
                "Series.person": _SERIES,
                "Series.note": _SERIES,
                "Feed.person": kept(_("to show a calendar the bookings"), _("until the address is ended")),
            },
            names={"Feed": _("address of a calendar of bookings")},
        ),
    ),
)
