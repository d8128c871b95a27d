from django.contrib import admin

from cityhall.kernel.places.models import PlaceName, Zone


@admin.register(Zone)
class ZoneAdmin(admin.ModelAdmin[Zone]):
    list_display = ("name", "kind", "slug", "population")
    list_filter = ("kind",)
    search_fields = ("name", "slug")


@admin.register(PlaceName)
class PlaceNameAdmin(admin.ModelAdmin[PlaceName]):
    list_display = ("name", "kind", "source", "weight")
    list_filter = ("source", "kind")
    search_fields = ("name",)
