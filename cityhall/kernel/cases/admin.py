"""Staff screens of agencies; cases have their service's own desk."""

from __future__ import annotations

from django.contrib import admin

from cityhall.kernel.cases.models import Agency


@admin.register(Agency)
class AgencyAdmin(admin.ModelAdmin[Agency]):
    """The city's administration and who is above whom."""

    list_display = ("name", "slug", "superior")
    search_fields = ("name", "slug")
