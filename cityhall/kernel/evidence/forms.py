"""What officers fill in about a piece of evidence."""

from __future__ import annotations

from datetime import datetime, time

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class HandOver(forms.Form):
    """To whom it goes: an officer with an account, or anybody else in words."""

    email = forms.EmailField(label=_("E-mail address of the officer"), required=False)
    note = forms.CharField(
        label=_("Somebody outside"),
        required=False,
        max_length=500,
        help_text=_("Name, office and the number of the receipt."),
    )


class Prolong(forms.Form):
    """Until which day it is kept, and why."""

    until = forms.DateField(label=_("Keep it until"), widget=forms.DateInput(attrs={"type": "date"}))
    why = forms.CharField(label=_("Why"), max_length=500)

    def moment(self) -> datetime:
        """The end of that day, in the city."""
        return timezone.make_aware(datetime.combine(self.cleaned_data["until"], time(23, 59, 59)))
