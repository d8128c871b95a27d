"""How often a source may do something: told apart by who they are, counted in the database.

`sources` says where a request comes from, `spending` counts. A door asks before it does anything that costs, and
outside of the transaction that may be rolled back: attempts count, not only what succeeded.
"""
