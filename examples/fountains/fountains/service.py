"""Drinking fountains: where they are, and which of them are broken."""

from django.utils.translation import gettext_lazy as _

from cityhall.kernel.indicators.declares import Indicator
from cityhall.kernel.people.declares import Role
from cityhall.kernel.places.declares import Layer, Place
from cityhall.kernel.service import Addresses, Api, Service
from cityhall.web.declares import Assets

SERVICE = Service(
    slug="fountains",
    name=_("Drinking fountains"),
    summary=_("Find water, and say where there is none."),
    app="fountains",
    icon="stop",
    home="/fountains/",
    group="around",
    declares=(
        Addresses("fountains.views:urlpatterns"),
        Assets("fountains/main.js", "fountains/main.css"),
        Api("fountains.api:router"),
        Layer(
            slug="all",
            name=_("Fountains"),
            kind="point",
            source="fountains.queries:geojson",
            public_fields=("name", "works"),
            color="#0e7c86",
            visible=True,
        ),
        Place("fountain", _("Fountain"), "fountains.queries:names"),
        Indicator("working", _("working"), "%", "fountains.queries:working_share", headline=True),
        Role("plumber", _("Plumber"), ("fountains.mend_fountain",)),
    ),
)
