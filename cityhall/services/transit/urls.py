"""Addresses of the service."""

from django.urls import path

from cityhall.services.transit import views
from cityhall.services.transit.doors import views as doors
from cityhall.services.transit.realtime import feeds

urlpatterns = [
    path("", views.journeys, name="transit"),
    path("gtfs.zip", views.gtfs, name="transit_gtfs"),
    path("gtfs-rt/<str:name>", feeds.feed, name="transit_feed"),
    path("lines/", views.lines, name="transit_lines"),
    path("lines/<str:line_id>/", views.line, name="transit_line"),
    path("receivers/", doors.receivers, name="transit_receivers"),
    path("receivers/<str:public_id>/switch/", doors.switch, name="transit_receiver_switch"),
    path("stops/<str:stop_id>/", views.stop, name="transit_stop"),
]
