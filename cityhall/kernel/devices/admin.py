"""Staff screens of devices."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin
from django.http import HttpRequest

from cityhall.kernel.devices.models import Device, DropCount, UrgentMessage


@admin.register(Device)
class DeviceAdmin(admin.ModelAdmin[Device]):
    """Devices are registered by services' actions, which give out the key; here they are looked at and switched."""

    list_display = ("public_id", "label", "kind", "owner", "enabled", "last_seen")
    list_filter = ("owner", "kind", "enabled")
    search_fields = ("public_id", "label")
    readonly_fields = ("public_id", "owner", "registered_at", "last_seen")
    list_select_related: ClassVar = ["state"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(UrgentMessage)
class UrgentMessageAdmin(admin.ModelAdmin[UrgentMessage]):
    """What came on the urgent lane: how often, with what clock, and what it has become. Nobody changes it."""

    list_display = ("received_at", "device", "kind", "key", "times", "doubtful", "subject")
    list_filter = ("kind", "doubtful")
    search_fields = ("device__public_id", "subject")
    list_select_related: ClassVar = ["device"]
    date_hierarchy = "received_at"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: UrgentMessage | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: UrgentMessage | None = None) -> bool:
        return False


@admin.register(DropCount)
class DropCountAdmin(admin.ModelAdmin[DropCount]):
    """What was not taken, and why."""

    list_display = ("day", "device", "reason", "count")
    list_filter = ("reason", "day")
    search_fields = ("device",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: DropCount | None = None) -> bool:
        return False
