"""Addresses of the service."""

from django.urls import path

from cityhall.services.map import catalogue, downloads, ogc, tiles

urlpatterns = [
    path("tiles/<slug:service>/<slug:slug>.json", tiles.tilejson, name="map_tilejson"),
    path("tiles/<slug:service>/<slug:slug>/<int:z>/<int:x>/<int:y>.mvt", tiles.layer_tile, name="map_tile"),
    path("data/<slug:service>/<slug:slug>.<slug:ending>", downloads.download, name="map_download"),
    path("catalogue.<slug:ending>", catalogue.catalogue, name="map_catalogue"),
    path("ogc/", ogc.landing, name="map_ogc"),
    path("ogc/api", ogc.api, name="map_ogc_api"),
    path("ogc/conformance", ogc.conformance, name="map_ogc_conformance"),
    path("ogc/collections", ogc.collections, name="map_ogc_collections"),
    path("ogc/collections/<slug:name>", ogc.collection, name="map_ogc_collection"),
    path("ogc/collections/<slug:name>/items", ogc.items, name="map_ogc_items"),
    path("ogc/collections/<slug:name>/items/<str:identity>", ogc.item, name="map_ogc_item"),
]
