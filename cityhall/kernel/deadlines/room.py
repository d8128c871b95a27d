"""What the room of deadlines declares."""

from cityhall.kernel.service import Check, Service
from cityhall.kernel.work.declares import Runner

ROOM = Service(
    slug="deadlines",
    name="Deadlines",
    summary="At this moment, unless it has happened, do that.",
    app="cityhall.kernel.deadlines",
    declares=(
        Runner("taker", "cityhall.kernel.deadlines.taker:run", part="worker"),
        Runner("taker", "cityhall.kernel.deadlines.taker:run_in_web", part="web"),
        Runner("taker", "cityhall.kernel.deadlines.taker:run_in_devices", part="devices"),
        Check("cityhall.kernel.deadlines.checks:findings"),
    ),
)
