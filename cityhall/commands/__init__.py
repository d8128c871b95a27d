"""The parts of the `cityhall` command that have several commands of their own."""
