"""What the room of cases declares."""

from django.utils.translation import gettext_lazy as _

from cityhall.kernel.deadlines.declares import DeadlineKind
from cityhall.kernel.people.declares import PersonalData, kept
from cityhall.kernel.service import Service

_ACCOUNT = _("until the account is erased")
_SAID = kept(_("to know who said what to whom"), _ACCOUNT)

ROOM = Service(
    slug="cases",
    name=_("Cases"),
    summary="What must be resolved, and by when.",
    app="cityhall.kernel.cases",
    declares=(
        DeadlineKind("clock", "cityhall.kernel.cases.watch:look_at"),
        PersonalData(
            {
                "Case.assignee": kept(_("to let officers do their work"), _ACCOUNT),
                "Comment.author": _SAID,
                "Comment.text": _SAID,
            },
            names={"Comment": _("comment"), "Comment.author": _("author")},
        ),
    ),
)
