"""What the service declares of the control desk beside alerts themselves (see `service.py`)."""

from django.utils.translation import gettext_lazy as _

from cityhall.kernel.deadlines.declares import DeadlineKind
from cityhall.kernel.people.declares import PersonalData, kept
from cityhall.kernel.work.declares import Task

_HERE = "cityhall.services.safety"
_KNOWN = kept(
    _("so that whoever goes there knows what to look out for"), _("until the day named in it, a year at most")
)
_LEFT = kept(_("so that the next shift knows what the last one knew"), _("for 90 days"))
_LASTED = kept(_("to send help"), _("until 90 days after the major incident is over"))
_WHY = kept(_("to send help"), _("until 90 days after the alert is closed"))

AT_THE_DESK = (
    DeadlineKind("exercise", f"{_HERE}.exercises:over"),
    Task("erase-premises", f"{_HERE}.premises:erase", "56 3 * * *", twice=True),
    Task("erase-handovers", f"{_HERE}.handovers:erase", "58 3 * * *", twice=True),
    PersonalData(
        {
            "Premise.name": _KNOWN,
            "Premise.point": _KNOWN,
            "Premise.sealed": _KNOWN,
            "Premise.plan": _KNOWN,
            "HandOver.by": _LEFT,
            "HandOver.to": _LEFT,
            "HandOver.read_by": _LEFT,
            "HandOver.text": _LEFT,
            "Passing.by": kept(_("to answer for who did what"), _("until the account is erased")),
            "Passing.reason": _WHY,
            "Taken.reason": _WHY,
            "Incident.declared_by": kept(_("to answer for who did what"), _("until the account is erased")),
            "IncidentLine.who": kept(_("to answer for who did what"), _("until the account is erased")),
            "IncidentLine.text": _LASTED,
            "IncidentLine.data": _LASTED,
            "Exercise.begun_by": kept(_("to answer for who did what"), _("until the account is erased")),
        },
        names={"IncidentLine.who": _("officer"), "IncidentLine.data": _("details")},
    ),
)
