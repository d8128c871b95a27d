"""Addresses of the service."""

from django.urls import path

from cityhall.services.map import catalogue, downloads, ogc, pages, tiles
from cityhall.services.map.datasets import pages as datasets

urlpatterns = [
    path("", pages.page, name="map"),
    path("screen/", pages.screen, name="map_screen"),
    path("numbers/", pages.numbers_now, name="map_numbers"),
    path("views/", pages.save_view, name="map_save_view"),
    path("views/<str:public_id>/", pages.view_page, name="map_view"),
    path("views/<str:public_id>/delete/", pages.delete_view, name="map_delete_view"),
    path("views/<str:public_id>/restore/", pages.restore_view, name="map_restore_view"),
    path("summary/<slug:service>/<slug:slug>/", pages.summary, name="map_summary"),
    path("heat/<slug:service>/<slug:slug>/", pages.heat_map, name="map_heat"),
    path("zones/<slug:service>/<slug:slug>/", pages.zone_map, name="map_zones"),
    path("timeline/<slug:service>/<slug:slug>/", pages.timeline, name="map_timeline"),
    path("table/<slug:service>/<slug:slug>/", pages.table, name="map_table"),
    path("replay/<slug:service>/<slug:slug>/", pages.replay, name="map_replay"),
    path("data-sets/", datasets.datasets, name="map_datasets"),
    path("data-sets/bring/", datasets.bring, name="map_bring"),
    path("data-sets/outside/", datasets.outside, name="map_outside"),
    path("data-sets/<slug:slug>/", datasets.dataset, name="map_dataset"),
    path("data-sets/<slug:slug>/change/", datasets.change, name="map_dataset_change"),
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
