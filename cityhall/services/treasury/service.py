"""The treasury: what the city's treasurer sees of the books, and the few things that are done to them by hand."""

from django.utils.translation import gettext_lazy as _

from cityhall.kernel.people.declares import Desk, PersonalData, Role, kept
from cityhall.kernel.service import Addresses, Check, Service
from cityhall.web.declares import Assets

_WHO = kept(_("to know who asked for a correction of the books, and who agreed"), _("until the account is erased"))

SERVICE = Service(
    slug="treasury",
    name=_("Treasury"),
    summary=_("The city's books: balances, statements, what is held and owed, and corrections by two officers."),
    app="cityhall.services.treasury",
    icon="table",
    declares=(
        Addresses("cityhall.services.treasury.urls:urlpatterns"),
        Assets(style="src/services/treasury/main.css"),
        Check("cityhall.services.treasury.limits:findings"),
        Role(
            "treasurer",
            _("Treasurer"),
            (
                *("treasury.see_books", "treasury.void_hold", "treasury.reverse_posting"),
                *("payments.view_bills", "payments.change_bills", "payments.reconcile"),
                *("payments.refund", "payments.approve_refund", "payments.prepare_payouts"),
                *("payments.release_payouts", "payments.fetch_payouts"),
                *("payments.prepare_debits", "payments.release_debits", "payments.fetch_debits"),
            ),
        ),
        Role("auditor", _("Auditor of the books"), ("treasury.see_books", "payments.view_bills")),
        Desk(
            "desk",
            _("Treasury"),
            "/treasury/",
            "treasury.see_books",
            icon="table",
            waiting="cityhall.services.treasury.waiting:waiting_for",
        ),
        PersonalData(
            {"Correction.asker": _WHO, "Correction.decider": _WHO, "Release.officer": _WHO},
            names={
                "Correction": _("correction of the books"),
                "Correction.asker": _("who asked"),
                "Correction.decider": _("who decided"),
                "Release": _("hold that was let go"),
                "Release.officer": _("officer"),
            },
        ),
    ),
)
