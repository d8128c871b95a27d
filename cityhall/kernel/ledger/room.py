"""What the room of the ledger declares."""

from cityhall.kernel.deadlines.declares import DeadlineKind
from cityhall.kernel.journal.declares import AppendOnly
from cityhall.kernel.service import Check, Service
from cityhall.kernel.work.declares import Task

ROOM = Service(
    slug="ledger",
    name="Ledger",
    summary="Double entry in whole numbers; holds; points in lots.",
    app="cityhall.kernel.ledger",
    declares=(
        AppendOnly("Posting"),
        AppendOnly("Entry"),
        AppendOnly("Use"),
        DeadlineKind("hold", "cityhall.kernel.ledger.holds:expired"),
        Task("expire", "cityhall.kernel.ledger.expiry:expire", cron="10 0 * * *", twice=True),
        Task("prove", "cityhall.kernel.ledger.proof:prove", cron="40 2 * * *", twice=True),
        Check("cityhall.kernel.ledger.checks:findings"),
    ),
)
