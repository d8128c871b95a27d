"""`script/faults`: a started city whose processes are killed at random while people, devices and officers use it.

What it was told and said yes to must be there exactly once when it is over; see `__main__.py`.
"""
