"""What the room of work declares."""

from cityhall.kernel.service import Check, Service
from cityhall.kernel.work.declares import Runner, Task

ROOM = Service(
    slug="work",
    name="Work",
    summary="Jobs, regular tasks, and what goes on all the time.",
    app="cityhall.kernel.work",
    declares=(
        Runner("collector", "cityhall.kernel.work.collector:settle", part="all"),
        Runner("taking-up", "cityhall.kernel.work.taking_up:run", part="worker"),
        Task("forget", "cityhall.kernel.work.taking_up:forget_old", cron="27 * * * *", twice=True),
        Task("forget-aside", "cityhall.kernel.work.aside:forget_old", cron="28 * * * *", twice=True),
        Check("cityhall.kernel.work.checks:findings"),
    ),
)
