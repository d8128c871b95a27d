"""What the officers' side of the service declares: signals, sales, settlements, figures."""

from cityhall.kernel.work.declares import Task

_HERE = "cityhall.services.recycling"

OFFICER = ("recycling.judge_signals", "recycling.draw_settlement", "recycling.release_settlement")
"""What an officer for recycling may do besides."""
DESK = (Task("signals", f"{_HERE}.signals:find", "37 2 * * *", twice=True),)
