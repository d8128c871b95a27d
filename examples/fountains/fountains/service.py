"""Drinking fountains: where they are, and which of them are broken."""

from django.utils.translation import gettext_lazy as _

from cityhall.kernel.service import Indicator, Layer, Place, Role, Service

SERVICE = Service(
    slug="fountains",
    name=_("Drinking fountains"),
    summary=_("Find water, and say where there is none."),
    app="fountains",
    icon="stop",
    home="/fountains/",
    urls="fountains.views:urlpatterns",
    api="fountains.api:router",
    layers=(
        Layer(
            slug="all",
            name=_("Fountains"),
            kind="point",
            source="fountains.queries:geojson",
            public_fields=("name", "works"),
            color="#0e7c86",
            visible=True,
        ),
    ),
    places=(Place("fountain", _("Fountain"), "fountains.queries:names"),),
    indicators=(Indicator("working", _("working"), "%", "fountains.queries:working_share", headline=True),),
    roles=(Role("plumber", _("Plumber"), ("fountains.mend_fountain",)),),
)
