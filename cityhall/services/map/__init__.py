"""The one map: every service's layers, open data, and the city's own data sets. Read service.py first."""
