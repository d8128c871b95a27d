"""Where units should wait: maximal covering, expected coverage, relocation, the picture now, and a simulation of it."""

from cityhall.engines.coverage.assignment import Assigned, assign
from cityhall.engines.coverage.covering import Nested, Sites, UnsolvedError, maximal, nested, within
from cityhall.engines.coverage.now import Picture, picture
from cityhall.engines.coverage.relocation import Advice, Cap, Ground, expected, freed, move, order

__all__ = [
    "Advice",
    "Assigned",
    "Cap",
    "Ground",
    "Nested",
    "Picture",
    "Sites",
    "UnsolvedError",
    "assign",
    "expected",
    "freed",
    "maximal",
    "move",
    "nested",
    "order",
    "picture",
    "within",
]
