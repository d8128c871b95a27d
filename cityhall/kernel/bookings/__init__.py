"""Bookings: resources with calendars and seats, of which the database gives nothing twice (docs/bookings.md)."""
