"""What the room of indicators declares."""

from cityhall.kernel.service import Api, Service
from cityhall.kernel.work.declares import Task

ROOM = Service(
    slug="indicators",
    name="Indicators",
    summary="The city's numbers, now and hour by hour.",
    app="cityhall.kernel.indicators",
    declares=(
        Api("cityhall.kernel.indicators.api:router"),
        Task("sample", "cityhall.kernel.indicators.sampling:sample", cron="0 * * * *", twice=True),
    ),
)
