"""What actions of payments have done later: what speaks to providers."""

from __future__ import annotations

from procrastinate import RetryStrategy

from cityhall.kernel.deadlines.declares import Due
from cityhall.kernel.errors import Conflict, Missing
from cityhall.kernel.payments import books, giving_back, means, polling, sandbox_sending
from cityhall.kernel.payments.intents import collect as collect_bill
from cityhall.kernel.payments.intents import heard
from cityhall.kernel.payments.models import Bill, Intent, Refund, SandboxEvent
from cityhall.kernel.payments.providers import Silent, provider, sandbox
from cityhall.kernel.work.jobs import job

AGAIN = RetryStrategy(max_attempts=12, exponential_wait=4)


@job("payments.give_back", twice=True, retry=AGAIN)
def give_back(refund: int) -> None:
    """Has a provider give something back: once, by the refund's uid, however often it is asked."""
    wanted = giving_back.find(refund)
    if wanted.state != Refund.State.SENDING:
        return
    intent = wanted.intent
    if books.is_means(intent.provider):
        means.give_back(wanted)
        return
    try:
        said = provider(intent.provider).refund(intent.provider_ref, wanted.amount, wanted.uid)
    except (Conflict, Missing):
        giving_back.failed(wanted)
        return
    heard(intent.provider, said, "call")


@job("payments.end", twice=True, retry=AGAIN)
def end(intent: int) -> None:
    """Lets nobody pay an intent any more whose time is over, and asks how it ended."""
    mine = Intent.objects.get(pk=intent)
    if mine.provider_ref:
        provider(mine.provider).cancel(mine.provider_ref)
        if not polling.ask(mine.pk, "deadline"):
            raise Silent(mine.provider)


@job("payments.collect", twice=True, retry=AGAIN)
def collect(bill: int) -> None:
    """Collects a bill by its mandate; what the city's own bank collects, officers put together."""
    mine = Bill.objects.select_related("mandate").get(pk=bill)
    if mine.mandate is not None and mine.mandate.revoked_at is None and mine.mandate.provider != books.BANK:
        collect_bill(mine, mine.mandate)


def collect_on_its_day(due: Due) -> None:
    """The day of a direct debit has come (a deadline's action)."""
    collect.defer(bill=int(due.subject.removeprefix("bill:")))


@job("payments.sandbox_sends", twice=True, retry=RetryStrategy(max_attempts=5, exponential_wait=5))
def sandbox_sends(event: int) -> None:
    """The sandbox sends a message, and again where the city did not take it."""
    mine = SandboxEvent.objects.filter(pk=event).first()
    if mine is not None and sandbox_sending.post(mine) >= 500:
        raise Silent("the city")


@job("payments.sandbox_goes_on", twice=True)
def sandbox_goes_on(payment: str) -> None:
    """What happens by itself at the sandbox after a while."""
    sandbox.go_on(payment)
