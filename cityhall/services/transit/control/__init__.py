"""The fleet room: what every vehicle is doing, what is out of the ordinary, and how even the shuttle runs.

`rules.py` says what is out of the ordinary as a table, `watch.py` looks at the states for it, `episodes.py` keeps
when it began and ended, `holding.py` advises the shuttle's drivers, `quality.py` sums a day up.
"""
