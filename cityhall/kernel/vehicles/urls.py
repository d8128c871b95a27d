"""Addresses of vehicles and their receivers."""

from django.urls import path

from cityhall.kernel.vehicles import vehicle_views, views

urlpatterns = [
    path("", vehicle_views.vehicles, name="vehicles"),
    path("one/<path:public_id>/", vehicle_views.vehicle, name="vehicles_vehicle"),
    path("switch/<path:public_id>/", vehicle_views.switch, name="vehicles_switch"),
    path("receivers/", views.receivers, name="vehicles_receivers"),
    path("receivers/<str:public_id>/switch/", views.switch, name="vehicles_receiver_switch"),
]
