"""The one map: every service's layers, open data, the city's own data sets. Reads manifests, never models."""

from django.utils.translation import gettext_lazy as _

from cityhall.kernel.service import Role, Runner, Service, Task

SERVICE = Service(
    slug="map",
    name=_("One map"),
    summary=_("Everything the city does, on one map: live, in the past, and as open data."),
    award=_("Jakarta"),
    app="cityhall.services.map",
    icon="layers",
    home="/map/",
    urls="cityhall.services.map.urls:urlpatterns",
    published="cityhall.services.map.datasets.published:layers",
    swift={"/map/tiles/": "cityhall.services.map.tiles:swift"},
    roles=(
        Role("publisher", _("Publisher of data sets"), ("map.publish_dataset",)),
        Role("analyst", _("Analyst"), ("map.share_view",)),
    ),
    runners=(Runner("trails", "cityhall.services.map.replay:run", part="worker"),),
    tasks=(
        Task("forget-trails", "cityhall.services.map.replay:forget_trails", cron="23 3 * * *"),
        Task("forget-deleted", "cityhall.services.map.tasks:forget_deleted", cron="29 3 * * *"),
    ),
    personal_data={
        "SavedView.owner": _("to list a person's own views; until a month after they are deleted, or the account is"),
        "SavedView.name": _("as the person named the view; until a month after it is deleted, or the account is"),
        "Dataset.owner": _("to know who published a data set; until the account is erased"),
    },
)
