"""Staff screens of what needs no design of its own: categories, answers, keys, other cities."""

from __future__ import annotations

import hashlib
import json
import secrets
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cityhall.kernel.screens import JsonKinds
from cityhall.services.reports.models import ApiKey, Category, OtherCity, Refused, StandardAnswer
from cityhall.services.reports.questions import checked


class Indented(json.JSONEncoder):
    """JSON as a person reads it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options | {"indent": 2})


class CategoryForm(forms.ModelForm[Category]):
    """A category; its questions are checked before they are kept."""

    asks = forms.JSONField(
        required=False,
        label=gettext_lazy("further questions"),
        encoder=Indented,
        widget=forms.Textarea(attrs={"rows": 18, "cols": 80, "spellcheck": "false"}),
        help_text=gettext_lazy(
            "Each has a code, a datatype (singlevaluelist, multivaluelist, string, text, number or datetime), and a "
            "description by language. The lists have values: pairs of a key and a name by language; of a "
            "multivaluelist several may be chosen. required: true where it must be answered, public: true where "
            "everybody may read the answer."
        ),
    )

    def clean_asks(self) -> list[dict[str, Any]]:
        asks = self.cleaned_data["asks"] or []
        try:
            return checked(asks if isinstance(asks, list) else [asks])
        except ValueError as problem:
            raise forms.ValidationError(str(problem)) from problem


@admin.register(Category)
class CategoryAdmin(JsonKinds, admin.ModelAdmin[Category]):
    """What can be reported, who answers for it and in what time. `cityhall load reports` sets it back to the file."""

    form = CategoryForm
    json_kinds: ClassVar = {"names": dict, "words": list, "sees": list}
    list_display = ("slug", "name", "agency", "hours", "calendar", "sensitive", "active")
    list_filter = ("active", "sensitive", "agency")
    search_fields = ("slug",)


@admin.register(StandardAnswer)
class StandardAnswerAdmin(JsonKinds, admin.ModelAdmin[StandardAnswer]):
    """Texts that officers send again and again."""

    list_display = ("name", "step")
    json_kinds: ClassVar = {"texts": dict}


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
class OtherCityAdmin(JsonKinds, admin.ModelAdmin[OtherCity]):
    """Other cities' Open311 servers."""

    list_display = ("name", "url")
    json_kinds: ClassVar = {"services": dict}


@admin.register(Refused)
class RefusedAdmin(admin.ModelAdmin[Refused]):
    """What was refused, by day; only to be looked at."""

    list_display = ("day", "reason", "count")
    list_filter = ("reason",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Refused | None = None) -> bool:
        return False
