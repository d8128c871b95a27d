"""What of the present is told to others: alerts, cancellations and detours, journeys that know of them, feeds, history.

`notices.py` writes what officers enter, `wording.py` gives it words, `alerts.py` reads it; `routing.py` brings it and
the predictions into the journey search; `feeds.py` publishes GTFS-Realtime; `history.py` keeps where vehicles were and
`archive.py` publishes that.
"""
