"""Addresses of the service."""

from django.urls import include, path, re_path

from cityhall.kernel.vehicles import views as vehicles
from cityhall.services.transit import views
from cityhall.services.transit.realtime import feeds
from cityhall.services.transit.realtime import views as realtime

DESK = f"control/(?P<name>{'|'.join(realtime.DESKS)})"

urlpatterns = [
    path("", views.journeys, name="transit"),
    path("walking/", views.keep_walking, name="transit_walking"),
    path("gtfs.zip", views.gtfs, name="transit_gtfs"),
    path("gtfs-rt/<str:name>", feeds.feed, name="transit_feed"),
    path("alerts/", realtime.alerts, name="transit_alerts"),
    path("history/", realtime.history, name="transit_history"),
    path("history.json", realtime.history_json, name="transit_history_json"),
    path("history/<str:name>", realtime.history_file, name="transit_history_file"),
    re_path(rf"^{DESK}/$", realtime.desk, name="transit_notices"),
    re_path(rf"^{DESK}/new/$", realtime.write, name="transit_notice_new"),
    re_path(rf"^{DESK}/(?P<pk>\d{{1,18}})/$", realtime.write, name="transit_notice"),
    re_path(rf"^{DESK}/(?P<pk>\d{{1,18}})/withdraw/$", realtime.withdraw, name="transit_notice_withdraw"),
    re_path(rf"^{DESK}/(?P<pk>\d{{1,18}})/undo/$", realtime.undo, name="transit_notice_undo"),
    path("lines/", views.lines, name="transit_lines"),
    # Where receivers were when they were the buses' own.
    path("receivers/", vehicles.receivers, name="transit_receivers"),
    path("receivers/<str:public_id>/switch/", vehicles.switch, name="transit_receiver_switch"),
    path("", include("cityhall.services.transit.riders.urls")),
    path("control/", include("cityhall.services.transit.control.urls")),
]
