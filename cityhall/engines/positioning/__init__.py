"""Where vehicles are, from fixes and a timetable. See README.md beside this file."""

from cityhall.engines.positioning.match import Match, match
from cityhall.engines.positioning.runs import Runs
from cityhall.engines.positioning.tracker import Tracker
from cityhall.engines.positioning.values import Calls, Estimates, Fixes, Settings, Status, Update, Verdict
from cityhall.engines.positioning.ways import Plane, Ways

__all__ = [
    "Calls",
    "Estimates",
    "Fixes",
    "Match",
    "Plane",
    "Runs",
    "Settings",
    "Status",
    "Tracker",
    "Update",
    "Verdict",
    "Ways",
    "match",
]
