"""Reading GTFS Schedule feeds as they come, into one clean `Schedule`. See README.md beside this file."""

from typing import TYPE_CHECKING, Any

from cityhall.engines.gtfs.archive import Limits
from cityhall.engines.gtfs.report import FeedError, Problem, Report
from cityhall.engines.gtfs.schedule import Schedule

if TYPE_CHECKING:
    from cityhall.engines.gtfs.read import read_feeds

__all__ = ["FeedError", "Limits", "Problem", "Report", "Schedule", "read_feeds"]


def __getattr__(name: str) -> Any:
    # Most processes only map a schedule that was read before: they do without polars until they are asked to read.
    if name == "read_feeds":
        from cityhall.engines.gtfs.read import read_feeds

        return read_feeds
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
