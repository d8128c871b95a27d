"""From fixes to where each vehicle is: every door submits its fixes to the inbox, one tracker a city takes them out.

`fleet.py` has vehicles in memory with the engine that follows them, `tracker.py` is the tracker's work tick by tick,
`runner.py` has it done by one process of the city, `shown.py` is how a place is told.
"""
