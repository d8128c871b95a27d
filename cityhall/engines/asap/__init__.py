"""Alarms of alarm companies and what a city tells them (APCO/TMA ASAP), read and written. See README.md beside this.

Nothing here loads lxml before it is called: who imports this package pays for it when a message comes.
"""

from cityhall.engines.asap.message import Alarm, AsapError, Notice, Status
from cityhall.engines.asap.reading import read
from cityhall.engines.asap.writing import write

__all__ = ["Alarm", "AsapError", "Notice", "Status", "read", "write"]
