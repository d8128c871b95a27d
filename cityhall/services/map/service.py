"""The one map: every service's layers, open data, the city's own data sets. Reads manifests, never models."""

from django.utils.translation import gettext_lazy as _

from cityhall.kernel.people.declares import Desk, PersonalData, Role
from cityhall.kernel.places.declares import PublishedLayers
from cityhall.kernel.service import Addresses, Service
from cityhall.kernel.work.declares import Runner, Task
from cityhall.web.declares import Assets, Mine, PlaceAction, Swift

SERVICE = Service(
    slug="map",
    name=_("One map"),
    summary=_("Everything the city does, on one map: live, in the past, and as open data."),
    award=_("Jakarta"),
    app="cityhall.services.map",
    icon="layers",
    home="/map/",
    group="see",
    rank=10,
    verbs=((_("Look at the map"), "/map/"), (_("Take the city's data"), "/map/ogc/?f=html")),
    declares=(
        Addresses("cityhall.services.map.urls:urlpatterns"),
        Assets("src/services/map/main.ts", "src/services/map/main.css"),
        Mine(
            slug="views",
            name=_("Your views of the map"),
            rows="cityhall.services.map.mine:views",
            empty=_("Arrange the map as you need it and keep it as a view: you find it here again, on every device."),
            begin="/map/",
            home="/map/",
            icon="map",
        ),
        PublishedLayers("cityhall.services.map.datasets.published:layers"),
        PlaceAction(_("See it on the map"), "/map/?lon={lon}&lat={lat}", icon="map"),
        Swift("/map/tiles/", "cityhall.services.map.tiles:swift"),
        Role("publisher", _("Publisher of data sets"), ("map.publish_dataset",)),
        Role("analyst", _("Analyst"), ("map.share_view",)),
        Desk("datasets", _("Data sets"), "/map/data-sets/", "map.publish_dataset", icon="layers"),
        Runner("trails", "cityhall.services.map.replay:run", part="worker"),
        Task("forget-trails", "cityhall.services.map.replay:forget_trails", cron="23 3 * * *", twice=True),
        Task("forget-deleted", "cityhall.services.map.tasks:forget_deleted", cron="29 3 * * *", twice=True),
        PersonalData(
            {
                "SavedView.owner": _(
                    "to list a person's own views; until a month after they are deleted, or the account is"
                ),
                "SavedView.name": _(
                    "as the person named the view; until a month after it is deleted, or the account is"
                ),
                "Dataset.owner": _("to know who published a data set; until the account is erased"),
            },
            names={
                "SavedView": _("kept view of the map"),
                "SavedView.owner": _("person"),
                "Dataset": _("data set"),
                "Dataset.owner": _("person"),
            },
        ),
    ),
)
