"""What the staff's plain screens (Django's admin) have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _


class JsonKinds:
    """For a ModelAdmin: its JSON fields take a value of the kind that pages read, and no other."""

    json_kinds: ClassVar[dict[str, type]] = {}
    """dict or list by the field's name."""

    def formfield_for_dbfield(self, db_field: Any, request: Any, **options: Any) -> Any:
        """Django's field of a form, with the check."""
        field = super().formfield_for_dbfield(db_field, request, **options)  # type: ignore[misc]
        if field is not None and db_field.name in self.json_kinds:
            field.validators.append(_of_kind(self.json_kinds[db_field.name]))
        return field


def _of_kind(kind: type) -> Callable[[Any], None]:
    def check(value: Any) -> None:
        if not isinstance(value, kind):
            raise forms.ValidationError(_("An object is wanted: {…}.") if kind is dict else _("A list is wanted: […]."))

    return check
