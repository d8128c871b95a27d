"""Headway control: how long a bus should wait at a control point so that the gaps between buses become even."""

from cityhall.engines.headway.gaps import Gaps, gaps
from cityhall.engines.headway.holding import Advice, scheduled, self_equalising, two_way

__all__ = ["Advice", "Gaps", "gaps", "scheduled", "self_equalising", "two_way"]
