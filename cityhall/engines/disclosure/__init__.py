"""Which counts of published tables must be held back, so that none that is small can be solved for."""

from cityhall.engines.disclosure.attack import interval
from cityhall.engines.disclosure.linked import Linked, linked
from cityhall.engines.disclosure.reports import tables_of
from cityhall.engines.disclosure.suppress import published

__all__ = ["Linked", "interval", "linked", "published", "tables_of"]
