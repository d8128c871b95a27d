"""Addresses of what riders see."""

from django.urls import path

from cityhall.services.transit.riders import favourite_pages, near_pages, pages, school_pages, timetable, trip_pages

urlpatterns = [
    path("lines/<str:line_id>/", pages.line, name="transit_line"),
    path("stops/<str:stop_id>/", pages.stop, name="transit_stop"),
    path("stops/<str:stop_id>/board/", pages.board, name="transit_board"),
    path("stops/<str:stop_id>/days/", timetable.stop_days, name="transit_stop_days"),
    path("stops/<str:stop_id>/next/", near_pages.stop_next, name="transit_stop_next"),
    path("near/", near_pages.near_me, name="transit_near"),
    path("next/", near_pages.journey_next, name="transit_journey_next"),
    path("buses/", pages.buses, name="transit_buses"),
    path("buses/<path:public_id>/", pages.bus, name="transit_bus"),
    path("trips/", trip_pages.follow, name="transit_follow"),
    path("trips/<str:secret>/", trip_pages.trip, name="transit_trip"),
    path("trips/<str:secret>/another-way/", trip_pages.another_way, name="transit_another_way"),
    path("trips/<str:secret>/end/", trip_pages.end_trip, name="transit_end_trip"),
    path("trips/<str:secret>/alarm/", trip_pages.trip_alarm, name="transit_trip_alarm"),
    path("alarms/", trip_pages.my_alarms, name="transit_alarms"),
    path("alarms/new/", trip_pages.bus_alarm, name="transit_bus_alarm"),
    path("alarms/<int:alarm_id>/cancel/", trip_pages.cancel_alarm, name="transit_cancel_alarm"),
    path("favourites/", favourite_pages.my_favourites, name="transit_favourites"),
    path("favourites/change/", favourite_pages.change_favourite, name="transit_change_favourite"),
    path("school/", school_pages.pupils, name="transit_school"),
    path("school/consent/", school_pages.consent, name="transit_school_consent"),
    path("school/office/", school_pages.office, name="transit_school_office"),
    path("school/office/change/", school_pages.office_change, name="transit_school_change"),
    path("school/invitations/<str:token>/", school_pages.accept, name="transit_school_accept"),
    path("school/links/<int:guardian_id>/end/", school_pages.unlink, name="transit_school_unlink"),
    path("school/<int:pupil_id>/", school_pages.pupil, name="transit_school_pupil"),
    path("school/<int:pupil_id>/bus.geojson", school_pages.bus_geojson, name="transit_school_bus"),
]
