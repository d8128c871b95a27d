"""Addresses of the fleet room."""

from django.urls import path

from cityhall.services.transit.control import views

urlpatterns = [
    path("", views.fleet, name="transit_control"),
    path("vehicles.geojson", views.geojson, name="transit_control_geojson"),
    path("live", views.live, name="transit_control_live"),
    path("vehicles/<str:vehicle_id>/", views.vehicle, name="transit_control_vehicle"),
    path("lines/", views.lines, name="transit_control_lines"),
    path("quality/", views.quality_page, name="transit_control_quality"),
    path("quality/compute", views.compute, name="transit_control_compute"),
    path("quality.<str:form>", views.quality_file, name="transit_control_quality_file"),
]
