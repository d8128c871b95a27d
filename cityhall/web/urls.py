"""Addresses of the shell."""

from django.urls import path

from cityhall.web import about, live, search, views, work
from cityhall.web.api import api

urlpatterns = [
    path("", views.home, name="home"),
    path("search/", search.page, name="search"),
    path("place/", search.place, name="place"),
    path("services/", views.services, name="services"),
    path("mine/", views.mine, name="mine"),
    path("display/", views.display, name="display"),
    path("help/", about.help_page, name="help"),
    path("about/", about.about, name="about"),
    path("contact/", about.contact, name="contact"),
    path("privacy/", about.privacy, name="privacy"),
    path("accessibility/", about.accessibility, name="accessibility"),
    path("favicon.ico", views.favicon, name="favicon"),
    path("work/", work.work, name="work"),
    path("work/as-resident/", work.look_as_resident, name="as_resident"),
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
