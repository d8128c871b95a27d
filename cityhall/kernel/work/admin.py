"""Staff screens of what was passed over."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from cityhall.kernel.work.models import SetAside


@admin.register(SetAside)
class SetAsideAdmin(admin.ModelAdmin[SetAside]):
    """For looking, and for taking away what was mended."""

    list_display = ("work", "item", "problem", "times", "last_at")
    list_filter = ("work",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: SetAside | None = None) -> bool:
        return False
