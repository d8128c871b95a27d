"""What the room of evidence declares."""

from django.utils.translation import gettext_lazy as _

from cityhall.kernel.deadlines.declares import DeadlineKind
from cityhall.kernel.journal.declares import AppendOnly
from cityhall.kernel.people.declares import PersonalData, kept
from cityhall.kernel.service import Addresses, Service
from cityhall.kernel.work.declares import Task

_ENDS = _("until its retention ends")

ROOM = Service(
    slug="evidence",
    name=_("Evidence"),
    summary="Original bytes sealed, hashes in the journal, who held it when.",
    app="cityhall.kernel.evidence",
    declares=(
        Addresses("cityhall.kernel.evidence.urls:urlpatterns"),
        AppendOnly("Evidence"),
        AppendOnly("Custody"),
        DeadlineKind("retention", "cityhall.kernel.evidence.actions:retention_ended"),
        Task("sweep", "cityhall.kernel.evidence.sweeping:sweep", cron="52 3 * * *", twice=True),
        PersonalData(
            {
                "Seal.name": kept(_("to find what is evidence of something"), _ENDS),
                "Note.text": kept(_("to prove who had it and why"), _ENDS),
            },
        ),
    ),
)
