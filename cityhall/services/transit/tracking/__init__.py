"""From fixes to where each vehicle is: every door submits its fixes here, one tracker a city turns them into states.

`fixes.py` is what a door makes of a message, `inbox.py` the way from any process to the tracker, `claims.py` says which
vehicle has a trip that several are believed on, `tracker.py` is the tracker itself.
"""
