"""Staff screens of deadlines: what waits, and what fails."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from cityhall.kernel.deadlines.models import Deadline


@admin.register(Deadline)
class DeadlineAdmin(admin.ModelAdmin[Deadline]):
    """Deadlines are set and cleared by the actions they belong to; here they are looked at."""

    list_display = ("kind", "subject", "level", "due_at", "attempts", "problem")
    list_filter = ("kind",)
    search_fields = ("subject", "problem")
    ordering = ("-attempts", "due_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Deadline | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Deadline | None = None) -> bool:
        return False
