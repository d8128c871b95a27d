"""Whether a GTFS-Realtime feed is what the specification asks for. See README.md beside this file."""

from cityhall.engines.gtfs_realtime.reference import Reference
from cityhall.engines.gtfs_realtime.validate import Finding, validate

__all__ = ["Finding", "Reference", "validate"]
