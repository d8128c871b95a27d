"""The form that registers a receiver."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

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
