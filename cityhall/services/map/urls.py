"""Addresses of the service."""

from django.urls import path

from cityhall.services.map import tiles

urlpatterns = [
    path("tiles/<slug:service>/<slug:slug>.json", tiles.tilejson, name="map_tilejson"),
    path("tiles/<slug:service>/<slug:slug>/<int:z>/<int:x>/<int:y>.mvt", tiles.layer_tile, name="map_tile"),
]
