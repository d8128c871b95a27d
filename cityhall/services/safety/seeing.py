"""What the service declares of cameras, and of what is kept of them as evidence (see `service.py`)."""

from django.utils.translation import gettext_lazy as _

from cityhall.kernel.evidence.declares import EvidenceKind
from cityhall.kernel.people.declares import Desk, PersonalData, kept
from cityhall.kernel.places.declares import Layer
from cityhall.kernel.work.declares import Runner, Task

_HERE = "cityhall.services.safety"

SEEING = (
    Layer(
        slug="cameras",
        name=_("Cameras"),
        kind="point",
        source=f"{_HERE}.layers:cameras",
        public_fields=("id", "name", "owner", "heading"),
        labels={
            "id": _("Number"),
            "name": _("Name"),
            "owner": _("Whose it is"),
            "heading": _("Looks towards, degrees from north"),
        },
        permission="safety.answer_alert",
        icon="camera",
        color="#5b4b8a",
        min_zoom=13,
    ),
    EvidenceKind(
        "camera",
        _("What a camera saw"),
        "safety.see_evidence",
        retention_days=90,
        about=f"{_HERE}.recording:about",
    ),
    Desk(
        slug="evidence",
        name=_("Evidence"),
        home="/evidence/",
        permission="safety.see_evidence",
        icon="camera",
    ),
    Runner("windows", f"{_HERE}.recording:run", part="worker"),
    Task("evidence", f"{_HERE}.recording:keep_with_alerts", "38 3 * * *", twice=False),
    PersonalData(
        {
            "Camera.owner": kept(_("to know whom to ask for a camera"), _("as long as the camera is known")),
            "Window.person": kept(_("to answer for who did what"), _("until the account is erased")),
        },
        names={"Window.person": _("who had it kept")},
    ),
)
