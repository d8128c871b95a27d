"""What the room of deadlines declares."""

from cityhall.kernel.service import Check, Service
from cityhall.kernel.work.declares import Runner

ROOM = Service(
    slug="deadlines",
    name="Deadlines",
    summary="At this moment, unless it has happened, do that.",
    app="cityhall.kernel.deadlines",
    declares=(
        Runner("taker", "cityhall.kernel.deadlines.taker:run", part="all"),
        Check("cityhall.kernel.deadlines.checks:findings"),
    ),
)
