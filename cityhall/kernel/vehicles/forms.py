"""The forms of vehicles and receivers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cityhall.kernel.vehicles import kinds
from cityhall.kernel.vehicles.models import Receiver


class ReceiverForm(forms.Form):
    """`registry.register_receiver` takes what it holds."""

    vehicle = forms.CharField(label=_("Vehicle"), max_length=100, help_text=_("The number its operator gave it."))
    address = forms.CharField(
        label=_("Address"),
        max_length=50,
        help_text=_("Where it connects from: 203.0.113.7, or a network 203.0.113.0/24, or mqtt."),
    )
    protocol = forms.ChoiceField(label=_("Protocol"), choices=Receiver.Protocol.choices)
    public_id = forms.CharField(label=_("Id"), max_length=64, required=False, help_text=_("Made up where it is empty."))
    corrections = forms.BooleanField(label=_("Takes corrections from the caster"), required=False)


class VehicleForm(forms.Form):
    """`register.enter` takes what it holds. `allowed` are the kinds that may be chosen."""

    public_id = forms.CharField(
        label=_("Number"), max_length=100, help_text=_("The operator's own; passengers and feeds see it.")
    )
    kind = forms.ChoiceField(label=_("Kind"))
    label = forms.CharField(label=_("Name"), max_length=100, required=False)
    capacity = forms.IntegerField(
        label=pgettext_lazy("in a vehicle", "Places"), min_value=0, max_value=32_767, required=False
    )
    wheelchair = forms.TypedChoiceField(
        label=_("Takes wheelchairs"),
        choices=[("", _("not known")), ("yes", _("yes")), ("no", _("no"))],
        coerce=lambda said: said == "yes",
        empty_value=None,
        required=False,
    )

    def __init__(self, *args: Any, allowed: Sequence[str], there: bool = False, **options: Any) -> None:
        super().__init__(*args, **options)
        kind = self.fields["kind"]
        assert isinstance(kind, forms.ChoiceField)
        kind.choices = [(slug, kinds.name_of(slug)) for slug in allowed]
        if there:
            # Its number is what feeds, histories and receivers know it by.
            del self.fields["public_id"]
