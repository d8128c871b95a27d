"""Warnings in the Common Alerting Protocol: read, checked, written. See README.md beside this file.

Nothing here loads lxml before it is called: who imports this package pays for it when a message comes.
"""

from cityhall.engines.cap.checking import Check, check
from cityhall.engines.cap.message import Alert, Area, CapError, Circle, Info, Reference, Resource
from cityhall.engines.cap.reading import read
from cityhall.engines.cap.writing import write

__all__ = ["Alert", "Area", "CapError", "Check", "Circle", "Info", "Reference", "Resource", "check", "read", "write"]
