"""When vehicles will come: learned once a day, predicted every few seconds, read by every page and feed.

`fleet.py` is the timetable and the vehicles as the predictor (engines/arrivals) takes them, `learn.py` makes its model
of the calls that were seen, `predict.py` keeps TripPrediction up to date. What comes to a stop is riders/arrivals.py.
"""
