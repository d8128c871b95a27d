"""What the room of limits declares."""

from cityhall.kernel.service import Service
from cityhall.kernel.work.declares import Task

ROOM = Service(
    slug="limits",
    name="Limits",
    summary="How often a source may do something.",
    app="cityhall.kernel.limits",
    declares=(Task("forget", "cityhall.kernel.limits.spending:forget_old", cron="7 * * * *", twice=True),),
)
