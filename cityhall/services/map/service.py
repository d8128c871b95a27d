"""The one map: every service's layers on one map, open data, the city's own data sets. Reads manifests, never models."""

from django.utils.translation import gettext_lazy as _

from cityhall.kernel.service import Role, Service

SERVICE = Service(
    slug="map",
    name=_("One map"),
    summary=_("Everything the city does, on one map: live, in the past, and as open data."),
    award=_("Jakarta"),
    app="cityhall.services.map",
    icon="layers",
    home="/map/",
    urls="cityhall.services.map.urls:urlpatterns",
    swift={"/map/tiles/": "cityhall.services.map.tiles:swift"},
    roles=(
        Role("publisher", _("Publisher of data sets"), ("map.publish_dataset",)),
        Role("analyst", _("Analyst"), ("map.share_view",)),
    ),
)
