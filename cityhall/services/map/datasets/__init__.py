"""The city's own data sets: read, checked, kept, drawn. Read reading.py for what is taken, actions.py for who may."""
