"""What the room of skills declares."""

from cityhall.kernel.service import Api, Service

ROOM = Service(
    slug="skills",
    name="Skills",
    summary="What may be asked for in one's own words.",
    app="cityhall.kernel.skills",
    declares=(Api("cityhall.kernel.skills.api:router"),),
)
