"""Something that must be resolved: states, a clock of working time, an agency, comments. Knows no service.

Read `workflow.py` first: the table of what may happen. `actions.py` are the only writers.
"""
