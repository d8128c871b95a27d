"""Addresses of bookings' calendars."""

from django.urls import path

from cityhall.kernel.bookings import views

urlpatterns = [
    path("<int:pk>.ics", views.one, name="bookings_one"),
    path("feed/<str:secret>.ics", views.feed, name="bookings_feed"),
]
