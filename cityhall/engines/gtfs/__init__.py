"""Reading GTFS Schedule feeds as they come, into one clean `Schedule`. See README.md beside this file."""

from cityhall.engines.gtfs.archive import Limits
from cityhall.engines.gtfs.read import read_feeds
from cityhall.engines.gtfs.report import FeedError, Problem, Report
from cityhall.engines.gtfs.schedule import Schedule

__all__ = ["FeedError", "Limits", "Problem", "Report", "Schedule", "read_feeds"]
