"""What the journal's room declares."""

from cityhall.kernel.journal.declares import AppendOnly
from cityhall.kernel.service import Check, Service
from cityhall.kernel.work.declares import Runner, Task

ROOM = Service(
    slug="journal",
    name="Journal",
    summary="What happened, in order.",
    app="cityhall.kernel.journal",
    declares=(
        Runner("order", "cityhall.kernel.journal.runner:main", part="worker"),
        Task("anchor", "cityhall.kernel.journal.anchors:daily", cron="47 1 * * *", twice=True),
        Check("cityhall.kernel.journal.checks:findings"),
        AppendOnly("Entry", fills=("sequence", "position", "hash")),
    ),
)
