"""Staff screens of uploaded files."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from cityhall.kernel.media.models import Media
from cityhall.kernel.media.storing import delete
from cityhall.kernel.people.actors import actor_of
from cityhall.kernel.people.permissions import may


@admin.register(Media)
class MediaAdmin(admin.ModelAdmin[Media]):
    """What was uploaded; it can be deleted here, not changed."""

    list_display = ("id", "purpose", "content_type", "size", "public", "stored_at")
    list_filter = ("purpose", "content_type", "public")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return super().has_module_permission(request) or may(actor_of(request), "media.delete")

    def has_view_permission(self, request: HttpRequest, obj: Media | None = None) -> bool:
        return super().has_view_permission(request, obj) or may(actor_of(request), "media.delete")

    def has_delete_permission(self, request: HttpRequest, obj: Media | None = None) -> bool:
        return may(actor_of(request), "media.delete")

    def delete_model(self, request: HttpRequest, obj: Media) -> None:
        delete(actor_of(request), obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Media]) -> None:
        for media in queryset:
            delete(actor_of(request), media)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Media | None = None) -> bool:
        return False
