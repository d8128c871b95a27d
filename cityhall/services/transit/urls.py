"""Addresses of the service."""

from django.urls import include, path

from cityhall.services.transit import views
from cityhall.services.transit.doors import views as doors
from cityhall.services.transit.realtime import feeds

urlpatterns = [
    path("", views.journeys, name="transit"),
    path("gtfs.zip", views.gtfs, name="transit_gtfs"),
    path("gtfs-rt/<str:name>", feeds.feed, name="transit_feed"),
    path("lines/", views.lines, name="transit_lines"),
    path("receivers/", doors.receivers, name="transit_receivers"),
    path("receivers/<str:public_id>/switch/", doors.switch, name="transit_receiver_switch"),
    path("", include("cityhall.services.transit.riders.urls")),
    path("control/", include("cityhall.services.transit.control.urls")),
]
