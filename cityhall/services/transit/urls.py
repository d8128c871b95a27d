"""Addresses of the service."""

from django.urls import include, path

from cityhall.services.transit import views

urlpatterns = [
    path("", views.journeys, name="transit"),
    path("gtfs.zip", views.gtfs, name="transit_gtfs"),
    path("lines/", views.lines, name="transit_lines"),
    path("", include("cityhall.services.transit.riders.urls")),
]
