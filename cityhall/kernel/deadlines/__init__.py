"""At this moment, unless it has happened, do that.

An action that must follow later sets a deadline in its own transaction (`setting.set_deadline`); whoever does what it
waited for clears it. Every process of the city looks after all of them (`taker.run`): each is acted on once, within a
second of its time, also right after a crash. What is done is named by a `DeadlineKind`.
"""
