"""Staff screens of notifications: what was sent, and what became of it."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin
from django.http import HttpRequest

from cityhall.kernel.notify.models import Delivery


@admin.register(Delivery)
class DeliveryAdmin(admin.ModelAdmin[Delivery]):
    """Deliveries, to find out why something did not arrive. The text itself is the person's and is not shown."""

    list_display = ("id", "channel", "state", "attempts", "problem", "done_at")
    list_filter = ("channel", "state")
    fields = readonly_fields = ("channel", "state", "attempts", "problem", "done_at")
    ordering: ClassVar = ["-id"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False
