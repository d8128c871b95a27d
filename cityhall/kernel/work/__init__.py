"""Work that a city's processes do by themselves: again and again, or all the time."""
