"""When vehicles will come: learned at night, predicted every few seconds, read by every page and feed.

`fleet.py` is the timetable and the vehicles as the predictor (engines/arrivals) takes them, `learn.py` makes its model
of the calls that were seen, `predict.py` keeps TripPrediction up to date, `board.py` answers what comes to a stop.
"""
