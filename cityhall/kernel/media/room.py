"""What the room of uploads declares."""

from django.utils.translation import gettext_lazy as _

from cityhall.kernel.people.declares import PersonalData, Role, kept
from cityhall.kernel.service import Addresses, Api, Service
from cityhall.kernel.work.declares import Task

_UPLOADED = kept(_("to let the person see and delete what they uploaded"), _("until the account is erased"))

ROOM = Service(
    slug="media",
    name=_("Files"),
    summary="Uploaded files.",
    app="cityhall.kernel.media",
    declares=(
        Addresses("cityhall.kernel.media.urls:urlpatterns"),
        Api("cityhall.kernel.media.api:router"),
        Task("sweep", "cityhall.kernel.media.storing:sweep", cron="41 3 * * *", twice=True),
        Role("moderator", _("Moderator of uploaded files"), ("media.delete",)),
        PersonalData({"Media.owner": _UPLOADED, "Media.purpose": _UPLOADED, "Media.stored_at": _UPLOADED}),
    ),
)
