"""The waste fee: a bill for each household every so many months, which points may pay."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import NAMESPACE_URL, uuid5

from django.conf import settings
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from cityhall.kernel.deadlines.actions import set_deadline
from cityhall.kernel.deadlines.declares import Due
from cityhall.kernel.notify.sending import language_of
from cityhall.kernel.payments.bills import BillLine, make_bill
from cityhall.kernel.payments.models import Bill
from cityhall.kernel.people.actors import system
from cityhall.services.recycling.models import Account
from cityhall.services.recycling.rules import rules, today

SERVICE = "recycling"
FEE = "recycling.fee"


def begin(account: Account) -> None:
    """The fee is asked for from an account's first weighing on, each period once; nothing where the city has none."""
    if rules().fee.amount and account.kind != Account.Kind.BUILDING:
        set_deadline(FEE, f"account:{account.pk}", timezone.now())


def begin_all() -> int:
    """The same for all that have none yet, where a city begins to ask for one; gives how many."""
    billed = Bill.objects.filter(service=SERVICE, about__startswith="fee:").values_list("about", flat=True)
    known = {int(about.split(":")[1]) for about in billed}
    accounts = Account.objects.filter(weighings__isnull=False).exclude(pk__in=known).distinct()
    for account in accounts:
        begin(account)
    return len(accounts)


def due(due: Due) -> None:
    """The period's bill is made and the next period waited for (a deadline's action)."""
    from cityhall.services.recycling.accounts import people_of

    fee = rules().fee
    account = Account.objects.filter(pk=int(due.subject.removeprefix("account:"))).first()
    if account is None or not fee.amount:
        return
    first, following = period(today(), fee.months)
    set_deadline(FEE, due.subject, datetime.combine(following, datetime.min.time(), settings.CITY.zone))
    people = people_of(account)
    if not people:
        return
    about = f"fee:{account.pk}:{first:%Y-%m}"
    with translation.override(language_of(people[0])):
        make_bill(
            uuid5(NAMESPACE_URL, f"cityhall:recycling:{about}"),
            people[0],
            [BillLine(_("Waste fee from %(day)s") % {"day": f"{first:%Y-%m}"}, fee.amount)],
            today() + timedelta(days=fee.due_days),
            service=SERVICE,
            title=_("Waste fee"),
            unit=settings.CITY.currency,
            about=about,
            parts_allowed=True,
            actor=system(SERVICE),
        )


def period(day: date, months: int) -> tuple[date, date]:
    """The first day of the period in which a day lies, and of the next one; periods begin with the year."""
    first = (day.month - 1) // months * months
    year, month = divmod(day.year * 12 + first + months, 12)
    return date(day.year, first + 1, 1), date(year, month + 1, 1)


def open_fees(people: list[int]) -> list[Bill]:
    """Bills of these people that points may pay, the oldest first."""
    found = Bill.objects.filter(payer__in=people, service__in=rules().pays, unit=settings.CITY.currency)
    return list(found.filter(state__in=("open", "part_paid")).order_by("due_on", "pk"))
