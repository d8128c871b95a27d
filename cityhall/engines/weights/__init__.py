"""What weighings say of scales, of who meets whom, and of photographs. See README.md beside this file."""

from cityhall.engines.weights.levels import Season, SeasonError
from cityhall.engines.weights.meetings import Meeting, meetings
from cityhall.engines.weights.shifts import Shift, shifts

__all__ = ["Meeting", "Season", "SeasonError", "Shift", "meetings", "shifts"]
