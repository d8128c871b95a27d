"""Where a unit meets a moving bus: the first point on its predicted way that the unit surely reaches first."""

from cityhall.engines.intercept.meeting import SURE, Plan, chances, plan
from cityhall.engines.intercept.times import Shape, Times
from cityhall.engines.intercept.watch import Watch

__all__ = ["SURE", "Plan", "Shape", "Times", "Watch", "chances", "plan"]
