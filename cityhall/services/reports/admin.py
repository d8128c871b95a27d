"""Staff screens of what needs no design of its own: categories, answers, keys, other cities."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.translation import gettext as _

from cityhall.services.reports.models import ApiKey, Category, OtherCity, Refused, StandardAnswer


@admin.register(Category)
class CategoryAdmin(admin.ModelAdmin[Category]):
    """What can be reported, who answers for it and in what time. `cityhall load reports` sets it back to the file."""

    list_display = ("slug", "name", "agency", "hours", "calendar", "sensitive", "active")
    list_filter = ("active", "sensitive", "agency")
    search_fields = ("slug",)


@admin.register(StandardAnswer)
class StandardAnswerAdmin(admin.ModelAdmin[StandardAnswer]):
    """Texts that officers send again and again."""

    list_display = ("name", "step")


@admin.register(ApiKey)
class ApiKeyAdmin(admin.ModelAdmin[ApiKey]):
    """Programs that may file by Open311. The key is shown once, when it is made."""

    list_display = ("name", "per_hour", "enabled")
    exclude = ("digest",)

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        if not change:
            key = secrets.token_urlsafe(24)
            obj.digest = hashlib.sha256(key.encode()).digest()
            messages.success(request, _("The key, shown only now: %(key)s") % {"key": key})
        super().save_model(request, obj, form, change)


@admin.register(OtherCity)
class OtherCityAdmin(admin.ModelAdmin[OtherCity]):
    """Other cities' Open311 servers."""

    list_display = ("name", "url")


@admin.register(Refused)
class RefusedAdmin(admin.ModelAdmin[Refused]):
    """What was refused, by day; only to be looked at."""

    list_display = ("day", "reason", "count")
    list_filter = ("reason",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Refused | None = None) -> bool:
        return False
