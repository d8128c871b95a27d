"""Addresses of vehicles and their receivers."""

from django.urls import path

from cityhall.kernel.vehicles import views

urlpatterns = [
    path("receivers/", views.receivers, name="vehicles_receivers"),
    path("receivers/<str:public_id>/switch/", views.switch, name="vehicles_receiver_switch"),
]
