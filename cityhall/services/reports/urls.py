"""Addresses of the service."""

from django.urls import path, register_converter

from cityhall.services.reports import desk, desk_rules, desk_undo, pages
from cityhall.services.reports.open311 import server


class Form:
    """The forms of Open311: the end of an address after its last point."""

    regex = "[a-z]{3,4}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(Form, "form")

urlpatterns = [
    path("", pages.home, name="reports"),
    path("new/", pages.new, name="reports_new"),
    path("sent/", pages.sent, name="reports_sent"),
    path("<int:report_id>/", pages.report, name="reports_report"),
    path("<int:report_id>/support/", pages.support, name="reports_support"),
    path("follow/<str:secret>/", pages.follow, name="reports_follow"),
    path("incidents/<int:incident_id>/", pages.incident, name="reports_incident"),
    path("agencies/", pages.agencies, name="reports_agencies"),
    path("desk/", desk.inbox, name="reports_desk"),
    path("desk/points/<slug:which>.geojson", desk.points, name="reports_points"),
    path("desk/filters/", desk.filters, name="reports_filters"),
    path("desk/bulk/", desk.bulk, name="reports_bulk"),
    path("desk/undo/", desk_undo.undo, name="reports_undo"),
    path("desk/field/", desk.field, name="reports_field"),
    path("desk/rules/", desk_rules.rules, name="reports_rules"),
    path("desk/photos/<int:photo_id>/", desk.photo, name="reports_photo"),
    path("desk/<int:report_id>/", desk.case, name="reports_case"),
    path("desk/<int:report_id>/<slug:what>/", desk.act, name="reports_act"),
    path("open311/discovery.<form:form>", server.discovery, name="open311_discovery"),
    path("open311/v2/services.<form:form>", server.services, name="open311_services"),
    path("open311/v2/services/<str:code>.<form:form>", server.definition, name="open311_definition"),
    path("open311/v2/requests.<form:form>", server.requests, name="open311_requests"),
    path("open311/v2/requests/<str:number>.<form:form>", server.one_request, name="open311_request"),
    path("open311/v2/tokens/<str:token>.<form:form>", server.token, name="open311_token"),
]
