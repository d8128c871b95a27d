"""The rules by which the feeds of other systems are judged."""

from cityhall.kernel.vehicles.declares import Rules

RULES = Rules(
    # How they are numbered; nothing else that is counted of a feed is named so.
    pattern=r"[EW]\d{3}",
    home="https://github.com/MobilityData/gtfs-realtime-validator/blob/master/RULES.md",
)
