"""What the room of payments declares."""

from django.utils.translation import gettext_lazy as _

from cityhall.kernel.deadlines.declares import DeadlineKind
from cityhall.kernel.journal.declares import AppendOnly
from cityhall.kernel.people.declares import PersonalData, kept
from cityhall.kernel.service import Addresses, Api, Check, Service
from cityhall.kernel.skills.declares import Page
from cityhall.kernel.work.declares import Task

_BOOKS = _("for as long as the law has books kept, without the person once the account is erased")
_PAID_OUT = kept(_("to pay out what the city owes"), _("for as long as the law has books kept"))
_COLLECTED = kept(_("to prove what was collected, and from where"), _("for as long as the law has books kept"))
_TOOK_BACK = kept(_("to prove who took back or allowed what, and why"), _("for as long as the law has books kept"))
_OWES = kept(_("to know who owes and pays what"), _BOOKS)
_DEBIT = kept(_("to collect what you agreed to have collected"), _("until the account is erased"))
_OFFICER = kept(_("to prove who gave money back, and why"), _BOOKS)
_GIVEN = kept(_("to give money back to the right account"), _("for as long as the law has books kept"))
_PARTY = kept(_("to find for which bill money came"), _("until 400 days after it was explained"))

ROOM = Service(
    slug="payments",
    name=_("Bills and payments"),
    summary="Bills, payments by providers and bank, refunds, reconciliation.",
    app="cityhall.kernel.payments",
    declares=(
        Addresses("cityhall.kernel.payments.urls:urlpatterns"),
        Addresses("cityhall.kernel.payments.sandbox_urls:urlpatterns", prefix="sandbox-bank"),
        Api("cityhall.kernel.payments.api:router"),
        AppendOnly("Fact"),
        DeadlineKind("overdue", "cityhall.kernel.payments.dues:overdue"),
        DeadlineKind("collect", "cityhall.kernel.payments.tasks:collect_on_its_day"),
        DeadlineKind("ends", "cityhall.kernel.payments.polling:ends"),
        Task("poll", "cityhall.kernel.payments.polling:poll", cron="* * * * *", twice=True),
        Task("hooks", "cityhall.kernel.payments.hooks:act_on_waiting", cron="* * * * *", twice=True),
        Task("forget", "cityhall.kernel.payments.bank_entries:forget", cron="37 3 * * *", twice=True),
        Task("compare", "cityhall.kernel.payments.checks:compare", cron="50 2 * * *", twice=True),
        Check("cityhall.kernel.payments.checks:findings"),
        Page(
            _("Your bills"),
            "/payments/",
            _("What you owe the city, what you have paid, and how to pay."),
            (_("bill, invoice, pay, fee, debt, receipt, instalment, refund, bank transfer, card"),),
            icon="table",
        ),
        PersonalData(
            {
                "Bill.payer": _OWES,
                "Bill.title": _OWES,
                "Bill.reference": _OWES,
                "Bill.amount": _OWES,
                "Bill.paid": _OWES,
                "Bill.due_on": _OWES,
                "Bill.made_at": _OWES,
                "Mandate.payer": _DEBIT,
                "Mandate.provider": _DEBIT,
                "Mandate.provider_ref": _DEBIT,
                "Mandate.ending": _DEBIT,
                "Mandate.name": _DEBIT,
                "Mandate.iban": _DEBIT,
                "Mandate.agreed_at": _DEBIT,
                "Mandate.revoked_at": _DEBIT,
                "Refund.asked_by": _OFFICER,
                "Refund.approved_by": _OFFICER,
                "Refund.reason": _OFFICER,
                "BankParty.name": _PARTY,
                "BankParty.iban": _PARTY,
                "BankParty.text": _PARTY,
            },
        ),
        PersonalData(
            {
                **{
                    f"Payout.{one}": _PAID_OUT
                    for one in ("payee", "name", "iban", "address", "text", "amount", "made_at")
                },
                "PayoutBatch.content": _PAID_OUT,
                **{f"RefundAccount.{one}": _GIVEN for one in ("name", "iban", "given_by", "given_at", "agreed_by")},
                "DebitBatch.content": _COLLECTED,
                "DebitBatch.why": _TOOK_BACK,
                "PayoutBatch.why": _TOOK_BACK,
                "StatementFile.why": _TOOK_BACK,
            },
            # It is the payer's, whoever told it.
            ties={"RefundAccount": ("refund__intent__bill__payer",)},
        ),
    ),
)
