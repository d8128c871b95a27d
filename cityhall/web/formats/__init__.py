"""How dates and times are written, by language: clocks have 24 hours in each. Django looks here before its own."""
