"""What moves: vehicles, their receivers and the doors these come in by, and where each vehicle is."""
