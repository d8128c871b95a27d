"""Addresses of the fleet room."""

from django.urls import path
from django.views.generic import RedirectView

from cityhall.services.transit.control import views

urlpatterns = [
    path("", views.fleet, name="transit_control"),
    # Where the fleet was before it was a layer like all others.
    path("vehicles.geojson", RedirectView.as_view(url="/map/layers/transit/fleet.geojson", permanent=True)),
    path("live", RedirectView.as_view(url="/live/fleet-room", permanent=True)),
    path("press/", views.press, name="transit_control_press"),
    path("vehicles/<str:vehicle_id>/", views.vehicle, name="transit_control_vehicle"),
    path("lines/", views.lines, name="transit_control_lines"),
    path("quality/", views.quality_page, name="transit_control_quality"),
    path("quality/compute", views.compute, name="transit_control_compute"),
    path("quality.<str:form>", views.quality_file, name="transit_control_quality_file"),
]
