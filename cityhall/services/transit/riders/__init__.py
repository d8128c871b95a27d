"""What riders see and use: buses live, stops and lines, journeys that are followed, alarms, favourites, boards.

`trips.py` is a trip as it goes now, `arrivals.py` what comes to a stop, and all pages and API answers are made of
these two. `school.py` is apart: who may see a special-school bus.
"""
