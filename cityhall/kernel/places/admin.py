from typing import ClassVar

from django.contrib import admin

from cityhall.kernel.places.models import PlaceName, Zone
from cityhall.kernel.screens import JsonKinds


@admin.register(Zone)
class ZoneAdmin(JsonKinds, admin.ModelAdmin[Zone]):
    list_display = ("name", "kind", "slug", "population")
    list_filter = ("kind",)
    search_fields = ("name", "slug")
    json_kinds: ClassVar = {"geometry": dict}


@admin.register(PlaceName)
class PlaceNameAdmin(JsonKinds, admin.ModelAdmin[PlaceName]):
    list_display = ("name", "kind", "source", "weight")
    list_filter = ("source", "kind")
    search_fields = ("name",)
    json_kinds: ClassVar = {"names": dict}
