"""Running a city: making, loading and checking it, its processes, and the demo."""
