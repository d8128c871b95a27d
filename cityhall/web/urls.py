"""Addresses of the shell."""

from django.urls import path

from cityhall.web import live, views, work
from cityhall.web.api import api

urlpatterns = [
    path("", views.home, name="home"),
    path("work/", work.work, name="work"),
    path("design/", views.design, name="design"),
    path("offline/", views.offline, name="offline"),
    path("map/style-<kind>.json", views.map_style, name="map_style"),
    path("map/basemap.pmtiles", views.basemap, name="basemap"),
    path("map/layers/<slug:service>/<slug:slug>.geojson", views.layer, name="map_layer"),
    path("live/<slug:topic>", live.stream, name="live"),
    path("manifest.webmanifest", views.web_manifest, name="web_manifest"),
    path("sw.js", views.service_worker, name="service_worker"),
    path("healthz", views.health, name="health"),
    path("api/", api.urls),
]
