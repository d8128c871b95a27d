"""What the room of places declares."""

from cityhall.kernel.service import Api, Service

ROOM = Service(
    slug="places",
    name="Places",
    summary="Points, zones, names and layers.",
    app="cityhall.kernel.places",
    declares=(Api("cityhall.kernel.places.api:router"),),
)
