"""From fixes to where each vehicle is: every door submits its fixes here, one tracker a city turns them into states.

`fixes.py` is what a door makes of a message, `inbox.py` the way from any process to the tracker, `tracker.py` the
tracker itself.
"""
